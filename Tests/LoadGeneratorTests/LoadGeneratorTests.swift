import Synchronization
import Testing
import WebSocketCore

@testable import LoadGenerator

@Suite("Runs against a server", .serialized, .timeLimit(.minutes(5)))
struct LoadGeneratorTests {
    private func run(
        _ work: LoadPlan.Work, _ behaviour: TestServer.Behaviour, publish: TestServer.Behaviour? = nil,
        _ change: (inout LoadPlan) -> Void = { _ in }
    ) async throws -> LoadReport {
        let server = try await TestServer()
        var plan = LoadPlan(work, url: server.url(behaviour))
        plan.publishURL = publish.map(server.url)
        plan.connections = 20
        plan.seconds = 0.2
        plan.warmUp = 0.1
        plan.hold = 0.1
        plan.patience = 0.5
        change(&plan)
        do {
            let report = try await LoadGenerator.run(plan)
            try await server.stop()
            return report
        } catch {
            try await server.stop()
            throw error
        }
    }

    @Test(
        "Echo: all messages come back, whatever their size and kind",
        arguments: [
            (24, MessageKind.binary, 1, 1), (64, .text, 16, 1), (200, .binary, 4, 2), (20_000, .text, 2, 1),
        ])
    func echo(size: Int, kind: MessageKind, inFlight: Int, loops: Int) async throws {
        let report = try await run(.echo, .echo) { plan in
            plan.size = size
            plan.kind = kind
            plan.inFlight = inFlight
            plan.loops = loops
        }
        #expect(report.faults == [])
        #expect(report.errors == 0)
        #expect(report.opened == 20)
        #expect(report.messages > 0 && report.total >= report.messages)
        #expect(report.latency != nil)
        #expect(report.reads > 0 && report.reads <= report.messages)
    }

    @Test(
        "Echo: what a server does wrong is told",
        arguments: [
            (TestServer.Behaviour.twice, "again or late"), (.damage, "other bytes"), (.text, "a text message came"),
            (.close, "1008 (five is enough)"),
        ])
    func faults(behaviour: TestServer.Behaviour, words: String) async throws {
        // A connection whose window holds more goes on when one message is lost to it.
        do {
            let report = try await run(.echo, behaviour) { plan in
                plan.connections = 2
                plan.inFlight = 8
            }
            #expect(report.errors > 0)
            #expect(report.faults.contains { $0.contains(words) }, "\(report.faults)")
        } catch let error as LoadError {
            #expect(error.description.contains(words))  // nobody was left
        }
    }

    @Test("Echo: a lost message is a gap, and the rest goes on")
    func lost() async throws {
        let report = try await run(.echo, .lose) { plan in
            plan.connections = 2
            plan.inFlight = 8
        }
        #expect(report.gaps == 2)
        #expect(report.errors == 2)
        #expect(report.faults.allSatisfy { $0.contains("echo 6 came instead of 5") })
        #expect(report.total > 100)
    }

    @Test("Echo: a server that sends everything twice does not get twice the messages")
    func twice() async throws {
        let report = try await run(.echo, .twice) { $0.connections = 1 }
        // The last echo may come when nothing is awaited any more.
        #expect(report.errors == report.total || report.errors + 1 == report.total)
    }

    @Test(
        "Fan-out: every subscriber gets everything in order", arguments: [(1, 1, 1), (3, 4, 1), (2, 16, 2), (4, 3, 3)])
    func fanOut(publishers: Int, inFlight: Int, loops: Int) async throws {
        let report = try await run(.fanOut, .sub, publish: .pub) { plan in
            plan.publishers = publishers
            plan.inFlight = inFlight
            plan.loops = loops
        }
        #expect(report.faults == [])
        #expect(report.opened == 20 + publishers)
        #expect(report.messages > 0)
        #expect(report.total == report.published * 20)
    }

    @Test("Fan-out: publishers may be subscribers too; what they get is ignored")
    func everybody() async throws {
        let report = try await run(.fanOut, .all) { $0.publishers = 2 }
        #expect(report.faults == [])
        #expect(report.total == report.published * 20)
    }

    @Test("Fan-out: a message that is lost is a gap at every subscriber, and the rest goes on")
    func gap() async throws {
        let report = try await run(.fanOut, .sub, publish: .losingPub) { $0.inFlight = 4 }
        #expect(report.gaps == 20)
        #expect(report.errors == 20)
        #expect(report.total == (report.published - 1) * 20)
        #expect(report.published > 10)
    }

    @Test("Fan-out: a subscriber that is lost is one error, and the rest goes on", arguments: [1, 2])
    func oneGone(loops: Int) async throws {
        let report = try await run(.fanOut, .firstLeavingSub, publish: .pub) { plan in
            plan.publishers = 2
            plan.inFlight = 4
            plan.loops = loops
        }
        #expect(report.errors == 1)
        #expect(report.faults.first?.contains("was closed with 1013") == true)
        #expect(report.published > 40)
        #expect(report.total == report.published * 19 + 5)
    }

    @Test("Fan-out: when all subscribers are gone the run ends, with the reason")
    func gone() async throws {
        let error = await #expect(throws: LoadError.self) {
            try await run(.fanOut, .leavingSub, publish: .pub) { $0.seconds = 60 }
        }
        #expect(error?.description.contains("all connections were lost") == true)
        #expect(error?.description.contains("1013") == true)
    }

    @Test("Idle: connections are opened, have one echo each, and are held", arguments: [false, true])
    func idle(exchanges: Bool) async throws {
        let report = try await run(.idle, .echo) { plan in
            plan.exchanges = exchanges
            plan.connections = 300
            plan.concurrency = 7
            plan.loops = 2
        }
        #expect(report.faults == [])
        #expect(report.held == 300)
        #expect(report.total == (exchanges ? 300 : 0))
    }

    @Test("Connect: all are opened and closed, only so many at the same time")
    func connect() async throws {
        let server = try await TestServer()
        var plan = LoadPlan(.connect, url: server.url(.silent))
        plan.connections = 300
        plan.concurrency = 5
        let report = try await LoadGenerator.run(plan)
        #expect(report.faults == [])
        #expect(report.opened == 300)
        #expect(report.latency != nil)
        // The server sees an end a little later than the client does.
        #expect(try await server.mostOpen() <= 50)
        try await server.stop()
    }

    #if os(Linux)
    @Test("More connections than one address has ports for come from several")
    func sources() async throws {
        let server = try await TestServer()
        var plan = LoadPlan(.connect, url: server.url(.silent))
        plan.connections = 25
        plan.connectionsPerSource = 10
        let report = try await LoadGenerator.run(plan)
        #expect(report.faults == [])
        #expect(report.opened == 25)
        #expect(server.peers == ["127.0.0.2": 9, "127.0.0.3": 8, "127.0.0.4": 8])
        try await server.stop()
    }
    #endif

    @Test("A handshake that is refused ends the run, with status and cure (RFC 6455 §4.1)")
    func refused() async throws {
        let error = await #expect(throws: LoadError.self) {
            try await run(.echo, .echo) { $0.url += "es" }
        }
        #expect(error?.description.contains("status 404") == true)
    }

    @Test("Where nobody listens the run ends, with the reason", arguments: ["127.0.0.1", "localhost"])
    func nobody(host: String) async throws {
        let server = try await TestServer()
        try await server.stop()
        let error = await #expect(throws: LoadError.self) {
            try await LoadGenerator.run(LoadPlan(.echo, url: "ws://\(host):\(server.port)/"))
        }
        #expect(error?.description.contains("refuses connections") == true)
    }

    @Test("Progress begins with connecting and ends with finishing")
    func progress() async throws {
        let server = try await TestServer()
        let steps = Mutex<[LoadProgress]>([])
        var plan = LoadPlan(.echo, url: server.url(.echo))
        plan.connections = 3
        plan.seconds = 0.1
        plan.warmUp = 0.1
        _ = try await LoadGenerator.run(plan) { step in steps.withLock { $0.append(step) } }
        try await server.stop()
        let seen = steps.withLock { $0 }
        #expect(seen.first == .connecting(0, of: 3))
        #expect(seen.contains(.connecting(3, of: 3)))
        var phases: [String] = []
        for step in seen where phases.last != step.phase { phases.append(step.phase) }
        #expect(phases == ["connecting", "warming up", "measuring", "finishing"])
        #expect(LoadProgress.connecting(1000, of: 20_000).description == "connecting 1,000/20,000")
        #expect(LoadProgress.measuring(1.25, of: 5).description == "measuring 1.3/5 s")
    }
}
