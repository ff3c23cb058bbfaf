import NIOCore
import NIOEmbedded
import WebSocketCompression
import WebSocketCore

@testable import WebSocketNIO

/// One WebSocket connection on an embedded channel, after its 101.
final class EmbeddedPeer {
    let eventLoop: EmbeddedEventLoop
    let channel: EmbeddedChannel
    let wire = Wire()
    let session: EmbeddedSession
    let handler: FrameHandler

    init(
        role: Role = .server, loop: LoopContext, eventLoop: EmbeddedEventLoop, limits: ConnectionLimits = .wide,
        codecs: CompressionCodecs? = nil, session: EmbeddedSession = EmbeddedSession()
    ) throws {
        self.eventLoop = eventLoop
        self.session = session
        channel = EmbeddedChannel(loop: eventLoop)
        try channel.pipeline.syncOperations.addHandler(wire)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        handler = FrameHandler(role: role, loop: loop, limits: limits, codecs: codecs, session: session)
        try channel.pipeline.syncOperations.addHandler(handler)
    }

    /// A connection on a loop of its own.
    convenience init(
        role: Role = .server, limits: ConnectionLimits = .wide, session: EmbeddedSession = EmbeddedSession()
    ) throws {
        let eventLoop = EmbeddedEventLoop()
        try self.init(
            role: role, loop: .embedded(eventLoop), eventLoop: eventLoop, limits: limits, session: session)
    }

    /// Bytes arrive in one read; then the tick ends.
    func receive(_ bytes: [UInt8]) throws {
        if channel.isActive { try channel.writeInbound(ByteBuffer(bytes: bytes)) }
        eventLoop.run()
    }

    func advance(_ milliseconds: Int64) { eventLoop.advanceTime(by: .milliseconds(milliseconds)) }

    func endInput() {
        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        eventLoop.run()
    }

    /// The kernel takes what it was given, and all that follows.
    func unblock() {
        wire.isBlocked = false
        wire.complete()
        eventLoop.run()
    }
}
