import Testing

@testable import WebSocketCore

@Suite("The node's budget for output", .timeLimit(.minutes(5)))
struct OutputBudgetTests {
    /// A loop with queues that sheds when the test lets it.
    private final class Loop: Sendable {
        private struct State {
            var queues: [Int] = []
            var requests: [OutputBudget.Request] = []
            var member: OutputBudget.Member?
        }

        private let state = Lock(State())

        init(_ budget: OutputBudget) {
            let member = budget.join { [weak self] request in
                self?.state.withLock { $0.requests.append(request) }
            }
            state.withLock { $0.member = member }
        }

        // Copies, since the thread sanitizer does not see how a shared buffer is given back.
        var queues: [Int] { state.withLock { $0.queues.map { $0 } } }
        var requests: [OutputBudget.Request] { state.withLock { $0.requests.map { $0 } } }

        func set(_ queues: [Int]) {
            let member = state.withLock { state in
                state.queues = queues
                return state.member
            }
            member?.publish(pending: queues.reduce(0, +), largest: queues.max() ?? 0)
        }

        /// Does what it was asked to do.
        func shed() {
            let (member, queues) = state.withLock { state -> (OutputBudget.Member?, [Int]) in
                guard !state.requests.isEmpty else { return (nil, []) }
                let request = state.requests.removeFirst()
                var left = request.bytes
                while left > 0, let largest = state.queues.max(), largest >= request.floor,
                    let index = state.queues.firstIndex(of: largest)
                {
                    left -= state.queues.remove(at: index)
                }
                return (state.member, state.queues)
            }
            member?.answer(pending: queues.reduce(0, +), largest: queues.max() ?? 0)
        }

        func leave() {
            // Outside the lock: the budget may ask another member at once.
            let member = state.withLock { state in
                let member = state.member
                state.member = nil
                return member
            }
            _ = member
        }

        /// Answers a request without having shed anything.
        func refuse() {
            let (member, queues) = state.withLock { state -> (OutputBudget.Member?, [Int]) in
                state.requests.removeFirst()
                return (state.member, state.queues)
            }
            member?.answer(pending: queues.reduce(0, +), largest: queues.max() ?? 0)
        }
    }

    @Test("Up to the limit nobody is asked for anything")
    func belowLimit() {
        let budget = OutputBudget(bytes: 1_000)
        let loops = [Loop(budget), Loop(budget)]
        loops[0].set([500])
        loops[1].set([300, 200])
        #expect(budget.pendingBytes == 1_000)
        #expect(loops.allSatisfy { $0.requests.isEmpty })
    }

    @Test("The largest queues of all loops are shed, down to 95 %, and no smaller one before them")
    func largestFirst() {
        let budget = OutputBudget(bytes: 1_000)
        let loops = [Loop(budget), Loop(budget), Loop(budget)]
        loops[0].set([200, 90])
        loops[1].set([300, 100, 80])
        loops[2].set([250])
        #expect(loops[1].requests == [OutputBudget.Request(bytes: 70, floor: 250)])
        #expect(loops[0].requests.isEmpty && loops[2].requests.isEmpty)
        loops[1].shed()
        #expect(loops[1].queues == [100, 80])
        #expect(budget.pendingBytes == 720)
        #expect(loops.allSatisfy { $0.requests.isEmpty })
    }

    @Test("One loop after the other is asked, until enough is gone")
    func inTurns() {
        let budget = OutputBudget(bytes: 100)
        let loops = [Loop(budget), Loop(budget)]
        loops[0].set([50, 30, 10])
        loops[1].set([40, 20, 400])
        // 455 have to go: first the 400, and then those that are longer than the other loop's longest.
        #expect(loops[1].requests == [OutputBudget.Request(bytes: 455, floor: 50)])
        loops[1].shed()
        #expect(loops[1].queues == [40, 20])
        #expect(loops[0].requests == [OutputBudget.Request(bytes: 55, floor: 40)])
        loops[0].shed()
        #expect(loops[0].queues == [30, 10])
        #expect(loops[1].requests == [OutputBudget.Request(bytes: 5, floor: 30)])
        loops[1].shed()
        #expect(loops.map(\.queues) == [[30, 10], [20]])
        #expect(budget.pendingBytes == 60)
        #expect(loops.allSatisfy { $0.requests.isEmpty })
    }

    @Test("While one sheds nobody else is asked, whatever is told meanwhile")
    func oneAtATime() {
        let budget = OutputBudget(bytes: 100)
        let loops = [Loop(budget), Loop(budget)]
        loops[0].set([90])
        loops[1].set([80])
        loops[0].set([95])
        loops[1].set([120])
        #expect(loops[0].requests == [OutputBudget.Request(bytes: 75, floor: 80)])
        #expect(loops[1].requests.isEmpty)
        loops[0].shed()
        #expect(loops[0].queues.isEmpty)
        #expect(loops[1].requests == [OutputBudget.Request(bytes: 25, floor: 0)])
    }

    @Test("A loop that can shed nothing is not asked again before it tells something new")
    func barren() {
        let budget = OutputBudget(bytes: 100)
        let loops = [Loop(budget), Loop(budget)]
        loops[0].set([300])
        loops[0].refuse()
        #expect(loops[0].requests.isEmpty)
        loops[1].set([20])
        #expect(loops[0].requests.isEmpty)
        #expect(loops[1].requests == [OutputBudget.Request(bytes: 225, floor: 0)])
        loops[1].shed()
        #expect(loops[1].queues.isEmpty)
        loops[0].set([310])
        #expect(loops[0].requests.count == 1)
    }

    @Test("It is tight while more than half of it is used, and scarce when replays have to wait")
    func tightness() {
        let budget = OutputBudget(bytes: 1_000)
        var loop: Loop? = Loop(budget)
        let levels: [([Int], OutputBudget.Pressure)] = [
            ([], .none), ([500], .none), ([500, 1], .tight), ([625], .tight), ([626], .scarce), ([400], .none),
        ]
        for (queues, pressure) in levels {
            loop?.set(queues)
            #expect(budget.pressure == pressure)
        }
        loop?.set([900])
        loop = nil
        #expect(budget.pressure == .none)
    }

    @Test("Who waits for room is called once, when no more waits than it has asked for, and no other one with it")
    func whenPending() {
        let budget = OutputBudget(bytes: 1_000)
        let called = Lock<[Int]>([])
        var loop: Loop? = Loop(budget)
        loop?.set([900])
        for bytes in [800, 500, 100] { budget.whenPending(atMost: bytes) { called.withLock { $0.append(bytes) } } }
        for (pending, expected) in [(801, []), (800, [800]), (501, [800]), (400, [800, 500]), (900, [800, 500])] {
            loop?.set([pending])
            #expect(called.withLock { $0 } == expected)
        }
        budget.whenPending(atMost: 900) { called.withLock { $0.append(900) } }
        #expect(called.withLock { $0 } == [800, 500, 900])
        // One that leaves makes room, too.
        loop = nil
        #expect(called.withLock { $0 } == [800, 500, 900, 100])
    }

    @Test("A loop that leaves takes its bytes along, and a request to it")
    func leaving() {
        let budget = OutputBudget(bytes: 100)
        let loops = [Loop(budget), Loop(budget)]
        loops[0].set([100])
        loops[1].set([90])
        #expect(loops[0].requests.count == 1)
        loops[0].leave()
        #expect(budget.pendingBytes == 90)
        #expect(loops[1].requests.isEmpty)
        loops[1].set([101])
        #expect(loops[1].requests == [OutputBudget.Request(bytes: 6, floor: 0)])
    }

    @Test("Many threads at once: what is told adds up, and shedding ends below the limit")
    func threads() async {
        let budget = OutputBudget(bytes: 10_000)
        let loops = (0..<4).map { _ in Loop(budget) }
        await withTaskGroup(of: Void.self) { group in
            for (number, loop) in loops.enumerated() {
                group.addTask {
                    var random = SeededGenerator(seed: UInt64(number))
                    for _ in 0..<5_000 {
                        if loop.requests.isEmpty {
                            let grown = loop.queues.map { $0 + 10 } + [Int.random(in: 0..<100, using: &random)]
                            loop.set(grown.suffix(50))
                        } else {
                            loop.shed()
                        }
                    }
                }
            }
        }
        for _ in 0..<1_000 { for loop in loops where !loop.requests.isEmpty { loop.shed() } }
        #expect(budget.pendingBytes == loops.map { $0.queues.reduce(0, +) }.reduce(0, +))
        #expect(budget.pendingBytes <= 10_000)
    }
}
