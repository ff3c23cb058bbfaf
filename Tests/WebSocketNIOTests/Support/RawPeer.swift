import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// One end of a TCP connection without any protocol: bytes out, bytes in.
final class RawPeer: Sendable {
    private struct State {
        var bytes: [UInt8] = []
        var hasEnded = false
        var error: (any Error)?
        var waiter: (@Sendable (inout [UInt8], Bool) -> Bool)?
    }

    private let state = NIOLockedValueBox(State())
    let channel: any Channel

    private init(channel: any Channel) { self.channel = channel }

    /// Connects; `isReading` false leaves everything that comes in the kernel.
    static func connect(port: Int, isReading: Bool = true, receiveBuffer: Int? = nil) async throws -> RawPeer {
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.autoRead, value: isReading)
            .channelOption(.allowRemoteHalfClosure, value: true)
        if let receiveBuffer {
            bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: .init(receiveBuffer))
        }
        return try await bootstrap.connect(host: "127.0.0.1", port: port) { channel in
            channel.eventLoop.makeCompletedFuture { try RawPeer.attach(to: channel) }
        }
    }

    /// Makes a peer of a channel that has just been made.
    static func attach(to channel: any Channel) throws -> RawPeer {
        let peer = RawPeer(channel: channel)
        try channel.pipeline.syncOperations.addHandler(Inbound(peer: peer))
        return peer
    }

    func send(_ bytes: [UInt8]) async throws { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get() }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    /// Sends without waiting for the kernel to take it.
    func post(_ bytes: [UInt8]) { channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }

    /// Ends this side; the other one stays open.
    func endOutput() async throws { try await channel.close(mode: .output).get() }

    func setReading(_ isReading: Bool) async throws { try await channel.setOption(.autoRead, value: isReading).get() }

    /// Closes so that the other side sees a reset.
    func reset() async throws {
        guard let socket = channel as? any SocketOptionProvider else { throw ChannelError.operationUnsupported }
        try await socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        try await channel.close().get()
    }

    func close() { channel.close(promise: nil) }

    /// Waits until `take` finds in the bytes what it looks for, and takes it from there.
    func take<T: Sendable>(
        _ what: String, _ take: @escaping @Sendable (inout [UInt8], _ hasEnded: Bool) -> T?
    ) async throws -> T {
        let promise = channel.eventLoop.makePromise(of: T.self)
        let waiter: @Sendable (inout [UInt8], Bool) -> Bool = { bytes, hasEnded in
            guard let value = take(&bytes, hasEnded) else { return false }
            promise.succeed(value)
            return true
        }
        state.withLockedValue { state in
            if !waiter(&state.bytes, state.hasEnded) { state.waiter = waiter }
        }
        let alarm = channel.eventLoop.scheduleTask(in: patience) { [self] in
            promise.fail(TimedOut(what: "\(what); there is \(state.withLockedValue { $0.bytes.prefix(200) })"))
        }
        defer { alarm.cancel() }
        return try await promise.futureResult.get()
    }

    /// The next frame.
    func frame() async throws -> WireFrame {
        try await take("a frame") { bytes, _ in WireFrame(from: &bytes) }
    }

    /// The next frame that is no ping: whoever says nothing for long is asked whether it is there.
    func message() async throws -> WireFrame {
        while true {
            let frame = try await frame()
            if frame.opcode != 9 { return frame }
        }
    }

    /// Everything up to and with the first empty line.
    func head() async throws -> String {
        try await take("a head") { bytes, _ in
            let end: [UInt8] = [13, 10, 13, 10]
            guard bytes.count >= 4,
                let start = (0...bytes.count - 4).first(where: { Array(bytes[$0..<$0 + 4]) == end })
            else { return nil }
            let head = String(decoding: bytes[..<(start + 4)], as: UTF8.self)
            bytes.removeFirst(start + 4)
            return head
        }
    }

    /// `count` bytes.
    func bytes(_ count: Int) async throws -> [UInt8] {
        try await take("\(count) bytes") { bytes, _ in
            guard bytes.count >= count else { return nil }
            defer { bytes.removeFirst(count) }
            return Array(bytes[..<count])
        }
    }

    /// Everything until the other side ends.
    func rest() async throws -> [UInt8] {
        try await take("the end") { bytes, hasEnded in
            guard hasEnded else { return nil }
            defer { bytes = [] }
            return bytes
        }
    }

    /// The error that ended the connection, if one did.
    var error: (any Error)? { state.withLockedValue { $0.error } }

    /// Does the opening handshake of a client (RFC 6455 §4.1) and gives the head of the answer.
    func upgrade(_ path: String = "/", fields: String = "") async throws -> String {
        try await send(Self.request(path, fields: fields))
        return try await head()
    }

    static func request(_ path: String = "/", fields: String = "") -> String {
        "GET \(path) HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\(fields)\r\n"
    }

    private func received(_ buffer: ByteBuffer?, error: (any Error)? = nil) {
        state.withLockedValue { state in
            if let buffer { state.bytes += buffer.readableBytesView } else { state.hasEnded = true }
            if let error { state.error = error }
            if let waiter = state.waiter, waiter(&state.bytes, state.hasEnded) { state.waiter = nil }
        }
    }

    private final class Inbound: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let peer: RawPeer
        init(peer: RawPeer) { self.peer = peer }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { peer.received(unwrapInboundIn(data)) }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if event as? ChannelEvent == .inputClosed { peer.received(nil) }
        }

        func channelInactive(context: ChannelHandlerContext) { peer.received(nil) }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            peer.received(nil, error: error)
            context.close(promise: nil)
        }
    }
}
