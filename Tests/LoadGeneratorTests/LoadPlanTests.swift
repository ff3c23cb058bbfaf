import Testing

@testable import LoadGenerator

@Suite("The plan of a run", .timeLimit(.minutes(5)))
struct LoadPlanTests {
    private func refusal(_ work: LoadPlan.Work = .echo, _ change: (inout LoadPlan) -> Void) -> String? {
        var plan = LoadPlan(work, url: "ws://127.0.0.1:9001/echo")
        change(&plan)
        do {
            try plan.validate()
            return nil
        } catch {
            return error.description
        }
    }

    @Test("The defaults are in order", arguments: [LoadPlan.Work.echo, .fanOut, .idle, .connect])
    func defaults(_ work: LoadPlan.Work) {
        #expect(refusal(work) { _ in } == nil)
    }

    static let mistakes: [(@Sendable (inout LoadPlan) -> Void, String)] = [
        ({ $0.url = "http://127.0.0.1/" }, "URL: "),
        ({ $0.url = "wss://127.0.0.1/" }, "TLS"),
        ({ $0.publishURL = "nowhere" }, "--publish-url: "),
        ({ $0.connections = 0 }, "--connections 0: "),
        ({ $0.connections = 1_000_001 }, "--connections 1000001: "),
        ({ $0.publishers = 17 }, "--publishers 17: "),
        ({ $0.size = 23 }, "--size 23: give a number from 24 to 16777216."),
        ({ $0.size = 16_777_217 }, "--size 16777217: "),
        ({ $0.inFlight = 0 }, "--in-flight 0: "),
        ({ $0.inFlight = 1025 }, "--in-flight 1025: "),
        ({ $0.concurrency = 0 }, "--concurrency 0: "),
        ({ $0.loops = 65 }, "--loops 65: "),
        ({ $0.seconds = 300.1 }, "--seconds 300.1: give seconds from 0.1 to 300."),
        ({ $0.seconds = .nan }, "--seconds nan: "),
        ({ $0.warmUp = 61 }, "--warm-up 61.0: "),
        ({ $0.hold = -1 }, "--hold -1.0: "),
        ({ $0.serverPID = 0 }, "--server-pid 0: "),
        ({ $0.size = 16_777_216 }, "--in-flight 1: "),
    ]

    @Test("What is out of range is refused, with the option's name", arguments: mistakes.indices)
    func refused(_ index: Int) throws {
        let (change, words) = Self.mistakes[index]
        #expect(try #require(refusal(.echo, change)).contains(words))
    }

    @Test("Connections of fan-out are its subscribers")
    func subscribers() throws {
        #expect(try #require(refusal(.fanOut) { $0.connections = 0 }).hasPrefix("--subscribers 0: "))
    }
}
