import Glibc
import Testing
import WebSocketCore

@testable import Reactor

/// A frame that a client got.
struct ServerFrame: Equatable {
    var opcode: UInt8
    var payload: [UInt8]
    var isCompressed = false

    static func close(_ code: UInt16, _ reason: String = "") -> ServerFrame {
        ServerFrame(opcode: 8, payload: [UInt8(code >> 8), UInt8(code & 0xFF)] + Array(reason.utf8))
    }

    static func pong(_ payload: [UInt8]) -> ServerFrame { ServerFrame(opcode: 10, payload: payload) }

    static let ping = ServerFrame(opcode: 9, payload: [])

    /// The code of a close frame; `nil` for any other frame.
    var code: UInt16? {
        guard opcode == 8, payload.count >= 2 else { return nil }
        return UInt16(payload[0]) << 8 | UInt16(payload[1])
    }
}

/// A connection on a loop that a test turns. Confined to that test's thread.
final class SteppedConnection: @unchecked Sendable {
    let peer: Peer
    let journal = Journal<Event>()
    fileprivate(set) var connection: WebSocketConnection?
    /// The connection has ended, or the server's side of it.
    private(set) var hasEnded = false
    private var inbox: [UInt8] = []

    fileprivate init(_ peer: Peer) { self.peer = peer }

    var events: [Event] { journal.entries }

    /// Takes the frames that have come since the last call, without waiting for any.
    func frames() -> [ServerFrame] {
        read(atMost: .max)
        var frames: [ServerFrame] = []
        while let frame = nextFrame() { frames.append(frame) }
        return frames
    }

    /// Reads what is there, at most so many bytes.
    func read(atMost most: Int) {
        var left = most
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while left > 0 {
            let count = recv(peer.descriptor, &buffer, min(buffer.count, left), Int32(MSG_DONTWAIT))
            if count == 0 || count < 0 && errno == ECONNRESET { hasEnded = true }
            guard count > 0 else { return }
            inbox += buffer[..<count]
            left -= count
        }
    }

    private func nextFrame() -> ServerFrame? {
        guard inbox.count >= 2 else { return nil }
        var length = Int(inbox[1] & 0x7F)
        let extra = length == 126 ? 2 : length == 127 ? 8 : 0
        guard inbox.count >= 2 + extra else { return nil }
        if extra > 0 { length = inbox[2..<2 + extra].reduce(0) { $0 << 8 | Int($1) } }
        guard inbox.count >= 2 + extra + length else { return nil }
        defer { inbox.removeFirst(2 + extra + length) }
        return ServerFrame(
            opcode: inbox[0] & 0x0F, payload: Array(inbox[(2 + extra)..<(2 + extra + length)]),
            isCompressed: inbox[0] & 0x40 != 0)
    }
}

/// A loop that a test turns by hand on a clock that it moves, so that pauses, holds and silence take no time, and a loop
/// that would turn without end is seen. Confined to the test's thread.
final class SteppedLoop {
    let loop: ReactorLoop
    /// Those that were cut off because they do not keep up.
    let slowReaders = Journal<SlowReader>()
    /// Those that were closed for a reason.
    let refusals = Journal<Refusal>()
    private var now = MonotonicInstant(milliseconds: 0)
    private var connections: [SteppedConnection] = []

    fileprivate init(
        _ outputBudget: OutputBudget, assemblyBudget: Int, loops: Int, limits: LoopLimits
    ) throws {
        loop = try ReactorLoop(loops: loops, limits: limits)
        loop.takeThread()
        let (slowReaders, refusals) = (slowReaders, refusals)
        loop.enter(
            CarrierEnvironment(
                outputBudget: outputBudget, assemblyBudget: assemblyBudget, onSlowReader: { slowReaders.add($0) },
                onRefusal: { refusals.add($0) }))
    }

    /// A connection whose session does what the test wants.
    func connection(
        received: [UInt8] = [], limits: ConnectionLimits = .calm, sendBuffer: Int32? = nil,
        codecs: MessageCodecs? = nil,
        whenOpened: @escaping (WebSocketConnection) -> Void = { _ in },
        whenReceived: @escaping (TestSession, MessageKind, RawSpan) -> Void = { _, _, _ in }
    ) -> SteppedConnection {
        let (descriptor, peer) = Peer.pair(sendBuffer: sendBuffer)
        let connection = SteppedConnection(peer)
        nonisolated(unsafe) let session = TestSession(
            connection.journal,
            whenOpened: {
                connection.connection = $0
                whenOpened($0)
            }, whenReceived: whenReceived)
        nonisolated(unsafe) let codecs = codecs
        loop.take(
            HandedOverConnection(descriptor: descriptor, received: received, limits: limits) { _ in (session, codecs) })
        connections.append(connection)
        run()
        return connection
    }

    /// Turns the loop once, after so many milliseconds.
    func turn(after milliseconds: UInt64 = 0) {
        now = now.advanced(by: milliseconds)
        loop.turn(loop.poller.wait(0), at: now)
    }

    /// Turns the loop until nothing happens any more.
    func run(_ location: SourceLocation = #_sourceLocation) {
        var quiet = 0
        for _ in 0..<10_000 {
            let events = loop.poller.wait(0)
            loop.turn(events, at: now)
            quiet = events == 0 && loop.tickOutput.pointee.isEmpty ? quiet + 1 : 0
            if quiet == 4 { return }
        }
        Issue.record("the loop turns without end although nothing happens", sourceLocation: location)
    }

    /// Lets time pass, a tenth of a second at a time.
    func advance(_ milliseconds: UInt64, _ location: SourceLocation = #_sourceLocation) {
        let end = now.advanced(by: milliseconds)
        while now < end {
            now = min(now.advanced(by: 100), end)
            run(location)
        }
    }

    /// The peers go, and nothing of them may be left.
    fileprivate func end() {
        for connection in connections { connection.peer.end() }
        run()
        advance(2_000)
        #expect(loop.leftovers == ReactorLoop.Leftovers(), "left after the end of all connections")
        for connection in connections {
            guard case .closed = connection.events.last else {
                Issue.record("a session was not told of the end: \(connection.events.suffix(3))")
                continue
            }
        }
        // A loop that ends asserts the same, which would end the process.
        if loop.leftovers == ReactorLoop.Leftovers() { loop.finish() }
    }
}

/// Runs `body` with a loop that it turns; afterwards all peers go, and then nothing of any connection may be left.
func withSteppedLoop(
    outputBudget bytes: Int = 256 << 20, assemblyBudget: Int = 256 << 20, loops: Int = 1,
    limits: LoopLimits = LoopLimits(), _ body: (SteppedLoop) throws -> Void
) throws {
    let budget = OutputBudget(bytes: bytes)
    let stepped = try SteppedLoop(budget, assemblyBudget: assemblyBudget, loops: loops, limits: limits)
    try body(stepped)
    stepped.end()
    #expect(budget.pendingBytes == 0)
}
