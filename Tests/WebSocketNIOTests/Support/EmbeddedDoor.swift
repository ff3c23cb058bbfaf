import NIOCore
import NIOEmbedded
import WebSocketCompression
import WebSocketCore

@testable import WebSocketNIO

/// A fresh connection of a server on an embedded channel: the HTTP part, and what it becomes.
final class EmbeddedDoor {
    let eventLoop = EmbeddedEventLoop()
    let loop: LoopContext
    let channel: EmbeddedChannel
    let wire = Wire()
    let state: DoorState
    private let made: Made

    /// Touched by the one thread of the test alone.
    private final class Made: @unchecked Sendable {
        var sessions: [EmbeddedSession] = []
        var requests: [HTTPRequest] = []
    }

    /// The session that was made; it echoes.
    var session: EmbeddedSession? { made.sessions.first }
    var requests: [HTTPRequest] { made.requests }

    init(
        limits: ConnectionLimits = .wide, handshake: ServerHandshake = ServerHandshake(), page: Int = 5,
        configure: (inout WebSocketServerConfiguration) -> Void = { _ in }
    ) throws {
        let made = Made()
        self.made = made
        let route = WebSocketRoute(handshake: handshake, limits: limits) { _ in
            let session = EmbeddedSession()
            session.whenReceived = { connection, message in
                switch message {
                case .text(let text): connection.send(text)
                case .binary(let bytes): connection.send(.binary, bytes.span.bytes)
                }
            }
            made.sessions.append(session)
            return session
        }
        var configuration = WebSocketServerConfiguration { $0.target.hasPrefix("/plain") ? nil : route }
        configuration.respond = { request in
            made.requests.append(request)
            let body = "\(request.path) ".utf8
            return HTTPAnswer(status: 200, body: Array(body) + [UInt8](repeating: 0x2E, count: page))
        }
        configure(&configuration)
        loop = .embedded(eventLoop, compression: configuration.compression)
        channel = EmbeddedChannel(loop: eventLoop)
        try channel.pipeline.syncOperations.addHandler(wire)
        state = DoorState(configuration)
        try FrontDoorHandler.install(on: channel, loop: loop, configuration: configuration, state: state)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    /// Bytes arrive in one read; the tick ends unless the next read shall come before that.
    func receive(_ bytes: [UInt8], endsTick: Bool = true) throws {
        if channel.isActive { try channel.writeInbound(ByteBuffer(bytes: bytes)) }
        if endsTick { eventLoop.run() }
    }

    func receive(_ text: String) throws { try receive(Array(text.utf8)) }

    func endInput() {
        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        eventLoop.run()
    }

    func advance(_ milliseconds: Int64) { eventLoop.advanceTime(by: .milliseconds(milliseconds)) }

    /// What was sent, as text.
    var text: String { String(decoding: wire.bytes, as: UTF8.self) }

    /// The status of each answer.
    var statuses: [Int] {
        text.components(startingWith: "HTTP/1.1 ").compactMap { Int($0.prefix(3)) }
    }

    /// The frames behind the 101.
    var frames: [WireFrame] {
        let bytes = wire.bytes
        let end: [UInt8] = [13, 10, 13, 10]
        guard bytes.count >= 4, let start = (0...bytes.count - 4).first(where: { Array(bytes[$0..<$0 + 4]) == end })
        else { return [] }
        return WireFrame.all(Array(bytes[(start + 4)...]))
    }
}

extension String {
    /// What follows each occurrence of `mark`.
    func components(startingWith mark: String) -> [Substring] {
        var parts: [Substring] = []
        var index = startIndex
        while index < endIndex {
            if self[index...].hasPrefix(mark) { parts.append(self[index...].dropFirst(mark.count)) }
            index = self.index(after: index)
        }
        return parts
    }
}
