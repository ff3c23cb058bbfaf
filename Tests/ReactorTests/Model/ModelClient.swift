import Glibc
import WebSocketCore

/// One connection as the reference sees it: what its two ends have said, in order, and what each may still expect.
///
/// The client's end is a socket that never blocks, the server's a session on the loop under test. The reference is two
/// queues, and knows nothing of arenas, slots and backlogs. Confined to the model's thread.
final class ModelClient: @unchecked Sendable {
    let number: Int
    let descriptor: Int32
    /// The server's end, while it is there.
    var connection: WebSocketConnection?
    var isOpened = false
    /// How often the session was told of the end.
    var closedTold = 0
    var isPaused = false
    /// One side has begun to close, or the server may have cut the client off: what is expected may end early.
    var mayEnd = false
    /// The client is gone.
    var isGone = false
    /// The client has ended its side.
    var hasEndedOutput = false
    /// The server's close frame has come, or the end of the connection.
    var hasSeenEnd = false

    /// What the session has sent and the client has not seen.
    private var expected: [[UInt8]] = []
    private var nextExpected = 0
    /// What the client has sent and the session has not seen.
    private var sent: [[UInt8]] = []
    private var nextSent = 0
    private var pings: Set<[UInt8]> = []
    private var outbox: [UInt8] = []
    private var inbox: [UInt8] = []

    init(number: Int, descriptor: Int32) {
        self.number = number
        self.descriptor = descriptor
    }

    deinit { if !isGone { close(descriptor) } }

    private func wrong(_ what: String) -> ModelFailure { ModelFailure(description: "client \(number): \(what)") }

    // MARK: - The server's end

    /// The session sends: the client is to see it.
    func expect(_ payload: [UInt8]) { if !mayEnd { expected.append(payload) } else { late.append(payload) } }

    /// What the session has sent after the end may have begun: it comes or does not.
    private var late: [[UInt8]] = []
    private var nextLate = 0

    /// The session is handed a message: it has to be the next that the client has sent.
    func receive(_ payload: [UInt8]) throws {
        guard nextSent < sent.count, sent[nextSent] == payload else {
            throw wrong("the session got \(payload.prefix(12)), which is not the next that was sent")
        }
        nextSent += 1
    }

    // MARK: - The client's end

    func queue(_ payload: [UInt8], inParts isFragmented: Bool) {
        guard !isGone, !hasEndedOutput else { return }
        sent.append(payload)
        guard isFragmented, payload.count > 1 else {
            outbox += Peer.frame(2, payload)
            return
        }
        let half = payload.count / 2
        outbox += Peer.frame(2, Array(payload[..<half]), isFinal: false) + Peer.frame(0, Array(payload[half...]))
    }

    func queuePing(_ payload: [UInt8]) {
        guard !isGone, !hasEndedOutput else { return }
        pings.insert(payload)
        outbox += Peer.frame(9, payload)
    }

    func queueClose() {
        guard !isGone, !hasEndedOutput else { return }
        mayEnd = true
        outbox += Peer.frame(8, [0x03, 0xE8])
    }

    /// Sends at most so many bytes of what is queued.
    func flush(atMost count: Int) {
        guard !isGone, !hasEndedOutput, !outbox.isEmpty else { return }
        let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
        let taken = outbox.withUnsafeBytes { send(descriptor, $0.baseAddress, min($0.count, count), flags) }
        if taken > 0 { outbox.removeFirst(taken) }
    }

    func endOutput() {
        guard !isGone, !hasEndedOutput else { return }
        mayEnd = true
        hasEndedOutput = true
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Goes without a word; with bytes that were not read, the server's end is reset.
    func leave() {
        guard !isGone else { return }
        isGone = true
        mayEnd = true
        close(descriptor)
    }

    /// Reads at most so many bytes, and looks at every frame that is whole; whether anything came.
    @discardableResult
    func read(atMost count: Int) throws -> Bool {
        guard !isGone, !hasSeenEnd || count > 0 else { return false }
        var buffer = [UInt8](repeating: 0, count: count)
        let taken = recv(descriptor, &buffer, count, Int32(MSG_DONTWAIT))
        if taken == 0 || taken < 0 && errno != EAGAIN {
            guard mayEnd || hasSeenEnd else { throw ModelFailure(description: "client \(number) was cut off") }
            hasSeenEnd = true
            return false
        }
        guard taken > 0 else { return false }
        inbox += buffer[..<taken]
        var start = 0
        while let end = try lookAtFrame(at: start) { start = end }
        inbox.removeFirst(start)
        return true
    }

    /// Looks at the frame there; where it ends, `nil` when it is not whole.
    private func lookAtFrame(at start: Int) throws -> Int? {
        guard inbox.count >= start + 2 else { return nil }
        var length = Int(inbox[start + 1])
        var begin = start + 2
        if length >= 126 {
            let bytes = length == 126 ? 2 : 8
            guard inbox.count >= begin + bytes else { return nil }
            length = inbox[begin..<begin + bytes].reduce(0) { $0 << 8 | Int($1) }
            begin += bytes
        }
        guard length < 1 << 20 else { throw wrong("bytes that are no frame") }
        guard inbox.count >= begin + length else { return nil }
        try see(inbox[start], Array(inbox[begin..<begin + length]))
        return begin + length
    }

    private func see(_ first: UInt8, _ payload: [UInt8]) throws {
        guard !hasSeenEnd else { throw wrong("\(first), \(payload.prefix(12)) behind a close frame") }
        switch first {
        case 0x82: try seeMessage(payload)
        case 0x88:
            hasSeenEnd = true
            mayEnd = true
            outbox += Peer.frame(8, Array(payload.prefix(2)))
        case 0x89: outbox += Peer.frame(10, payload)
        case 0x8A:
            guard pings.contains(payload) else { throw wrong("a strange pong") }
        default: throw wrong("a frame that begins with \(first)")
        }
    }

    private func seeMessage(_ payload: [UInt8]) throws {
        if nextExpected < expected.count, expected[nextExpected] == payload {
            nextExpected += 1
            if nextExpected >= 256 {
                expected.removeFirst(nextExpected)
                nextExpected = 0
            }
        } else if nextExpected == expected.count, nextLate < late.count, late[nextLate] == payload {
            nextLate += 1
        } else {
            let next = nextExpected < expected.count ? "\(expected[nextExpected].prefix(12))" : "nothing"
            throw wrong("\(payload.prefix(12)), \(payload.count) bytes, instead of \(next)")
        }
    }

    /// When everything is at rest: what each side has said has come to the other, unless the connection ends.
    func verifyAtRest() throws {
        guard !mayEnd else { return }
        guard nextExpected == expected.count else {
            throw wrong("\(expected.count - nextExpected) messages never came")
        }
        guard nextSent == sent.count else {
            throw wrong("the session never got \(sent.count - nextSent) messages")
        }
        guard inbox.isEmpty else { throw wrong("half a frame") }
    }
}
