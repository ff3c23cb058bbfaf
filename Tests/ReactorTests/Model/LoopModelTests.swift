import Glibc
import Testing

@testable import Reactor

/// A random walk through everything that can happen to a loop's memory, against a reference that is two queues a client.
///
/// `PARLEY_MODEL_STEPS` says how many steps (100,000, and ten million with `PARLEY_FULL=1`), `PARLEY_MODEL_SEED` repeats
/// a round that has failed.
@Suite("A loop with tiny limits against its model", .timeLimit(.minutes(90)))
struct LoopModelTests {
    private static let stepsPerRound = 2_000

    private static func setting(_ name: String) -> UInt64? {
        getenv(name).flatMap { UInt64(String(cString: $0)) }
    }

    private static var steps: Int {
        let isFull = getenv("PARLEY_FULL").map { String(cString: $0) } == "1"
        return setting("PARLEY_MODEL_STEPS").map { Int(clamping: $0) } ?? (isFull ? 10_000_000 : 100_000)
    }

    /// Walks until all steps are done, each round with the next seed.
    private static func walk(steps: Int, seed: UInt64) throws {
        for round in 0..<UInt64(max(1, steps / stepsPerRound)) {
            do {
                try LoopModel(seed: seed &+ round).run(steps: stepsPerRound)
            } catch {
                throw ModelFailure(description: "PARLEY_MODEL_SEED=\(seed &+ round): \(error)")
            }
        }
    }

    @Test("What happens to connections, in whatever order, their clients see what their sessions said")
    func walk() throws {
        let seed = Self.setting("PARLEY_MODEL_SEED") ?? UInt64.random(in: 0..<1 << 32)
        print("the loop's model: PARLEY_MODEL_SEED=\(seed), \(Self.steps) steps")
        try Self.walk(steps: Self.steps, seed: seed)
    }

    #if DEBUG
    /// Each in a process of its own, which a bug in memory may end in any way.
    @Test("The model finds every bug that is planted in slots and arena", arguments: PlantedLoopBug.allCases)
    func plantedBugs(_ bug: PlantedLoopBug) async {
        let name = bug.rawValue
        await #expect(processExitsWith: .failure) { [name = name as String] in
            PlantedLoopBug.current = PlantedLoopBug(rawValue: name)
            try LoopModelTests.walk(steps: 40_000, seed: 1)
        }
    }

    @Test("Where no bug is planted, that process ends well")
    func noBug() async {
        await #expect(processExitsWith: .success) { try LoopModelTests.walk(steps: 4_000, seed: 1) }
    }
    #endif
}
