import Testing
import WebSocketCore

@testable import Reactor

/// What a session under test was told.
enum Event: Equatable, Sendable {
    case opened
    case message([UInt8])
    case rateExceeded
    case writable
    case closed(UInt16, String, isClean: Bool)
}

/// A session that writes down what it is told, and does what the test wants.
class TestSession: WebSocketSession {
    let journal: Journal<Event>
    private(set) var connection: WebSocketConnection?
    private let whenOpened: (WebSocketConnection) -> Void
    private let whenReceived: (TestSession, MessageKind, RawSpan) -> Void
    private let whenServerStops: (WebSocketConnection) -> Void
    private let whenSilent: (WebSocketConnection) -> Void

    init(
        _ journal: Journal<Event>, whenOpened: @escaping (WebSocketConnection) -> Void = { _ in },
        whenReceived: @escaping (TestSession, MessageKind, RawSpan) -> Void = { _, _, _ in },
        whenServerStops: @escaping (WebSocketConnection) -> Void = { _ in },
        whenSilent: @escaping (WebSocketConnection) -> Void = { _ in }
    ) {
        self.journal = journal
        self.whenOpened = whenOpened
        self.whenReceived = whenReceived
        self.whenServerStops = whenServerStops
        self.whenSilent = whenSilent
    }

    override func opened(_ connection: WebSocketConnection) {
        self.connection = connection
        journal.add(.opened)
        whenOpened(connection)
    }

    override func received(_ kind: MessageKind, _ payload: RawSpan) {
        journal.add(.message(payload.withUnsafeBytes { Array($0) }))
        whenReceived(self, kind, payload)
    }

    override func rateExceeded() { journal.add(.rateExceeded) }

    override func becameWritable() { journal.add(.writable) }

    override func peerIsSilent() {
        if let connection { whenSilent(connection) }
    }

    override func serverStops() {
        if let connection { whenServerStops(connection) }
    }

    override func closed(_ outcome: CloseOutcome) {
        connection = nil
        journal.add(.closed(outcome.code.rawValue, outcome.reason, isClean: outcome.wasClean))
    }
}

/// A connection under test: its peer, and what its session was told.
struct TestConnection {
    let peer: Peer
    let journal: Journal<Event>
    let loop: Journal<any WebSocketLoop>
}

extension ConnectionLimits {
    /// The defaults without limits on rates, so that a test is about one thing.
    static var calm: ConnectionLimits {
        var limits = ConnectionLimits()
        limits.messagesPerSecond = nil
        limits.controlFramesPerSecond = nil
        limits.pingInterval = 600_000
        limits.closeTimeout = 600_000
        return limits
    }
}

extension Reactor {
    /// A connection whose session echoes.
    func echo(
        received: [UInt8] = [], limits: ConnectionLimits = .calm, sendBuffer: Int32? = nil
    ) -> TestConnection {
        connection(
            received: received, limits: limits, sendBuffer: sendBuffer,
            whenReceived: { session, kind, payload in session.connection?.send(kind, payload) })
    }

    /// A connection whose session does what the test wants.
    func connection(
        received: [UInt8] = [], limits: ConnectionLimits = .calm, sendBuffer: Int32? = nil,
        whenOpened: @escaping @Sendable (WebSocketConnection) -> Void = { _ in },
        whenReceived: @escaping @Sendable (TestSession, MessageKind, RawSpan) -> Void = { _, _, _ in },
        whenServerStops: @escaping @Sendable (WebSocketConnection) -> Void = { _ in },
        whenSilent: @escaping @Sendable (WebSocketConnection) -> Void = { _ in }
    ) -> TestConnection {
        let (descriptor, peer) = Peer.pair(sendBuffer: sendBuffer)
        let journal = Journal<Event>()
        let loops = Journal<any WebSocketLoop>()
        adopt(
            HandedOverConnection(descriptor: descriptor, received: received, limits: limits) { loop in
                loops.add(loop)
                let session = TestSession(
                    journal, whenOpened: whenOpened, whenReceived: whenReceived, whenServerStops: whenServerStops,
                    whenSilent: whenSilent)
                return (session, nil)
            })
        return TestConnection(peer: peer, journal: journal, loop: loops)
    }
}

/// Whether the loops become idle within some seconds. Each query of the statistics itself costs an iteration.
private func comesToRest(_ reactor: Reactor) async -> Bool {
    for _ in 0..<200 {
        let before = await reactor.statistics().ticks
        try? await Task.sleep(for: .milliseconds(20))
        let after = await reactor.statistics().ticks
        if after &- before <= 2 * reactor.loops.count { return true }
    }
    return false
}

/// Runs `body` with a reactor, and stops it afterwards: its loops have to come to rest before, and then nothing of any
/// connection may be left on them.
func withReactor(
    loops: Int = 1, _ environment: CarrierEnvironment = CarrierEnvironment(),
    _ body: (Reactor) async throws -> Void
) async throws {
    let reactor = try Reactor(ReactorConfiguration(loops: loops))
    try reactor.start(environment)
    do {
        try await onOwnThread { try await body(reactor) }
        #expect(await comesToRest(reactor), "the loops turn without end although nothing happens")
    } catch {
        await reactor.stop(CloseFrame(code: .goingAway), within: .zero)
        throw error
    }
    await reactor.stop(CloseFrame(code: .goingAway), within: .zero)
    for loop in reactor.loops { #expect(loop.leftovers == ReactorLoop.Leftovers()) }
    #expect(environment.outputBudget.pendingBytes == 0)
}
