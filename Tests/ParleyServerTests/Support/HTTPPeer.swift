import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// How long a test waits before it calls a hang a failure; nothing that works takes a tenth of it. `PARLEY_PATIENCE`
/// names other seconds.
let patience = TimeAmount.seconds(getenv("PARLEY_PATIENCE").map { Int64(atoi($0)) } ?? 120)

/// One end of a TCP connection that sends text and reads HTTP answers whose length is told.
final class HTTPPeer: Sendable {
    struct Answer: Equatable, Sendable {
        var status: Int
        var head: String
        var body: String
    }

    private struct State {
        var bytes: [UInt8] = []
        var hasEnded = false
        var waiter: (@Sendable (inout [UInt8], Bool) -> Bool)?
    }

    private let state = NIOLockedValueBox(State())
    private let channel: any Channel

    private init(channel: any Channel) { self.channel = channel }

    /// Connects; a small receive buffer leaves what is not read in the server.
    static func connect(port: Int, receiveBuffer: Int? = nil) async throws -> HTTPPeer {
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
        if let receiveBuffer {
            bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: .init(receiveBuffer))
        }
        return try await bootstrap.connect(host: "127.0.0.1", port: port) { channel in
            channel.eventLoop.makeCompletedFuture {
                let peer = HTTPPeer(channel: channel)
                try channel.pipeline.syncOperations.addHandler(Inbound(peer: peer))
                return peer
            }
        }
    }

    func setReading(_ isReading: Bool) async throws { try await channel.setOption(.autoRead, value: isReading).get() }

    /// Asks for a WebSocket; the answer's head (RFC 6455 §4.1).
    func upgrade(_ path: String = "/", host: String = "a", fields: String = "") async throws -> Answer {
        try await send(
            "GET \(path) HTTP/1.1\r\nHost: \(host)\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\(fields)\r\n")
        return try await answer()
    }

    /// Sends a masked frame (RFC 6455 §5.2).
    func sendFrame(_ opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true) async throws {
        var bytes: [UInt8] = [(isFinal ? 0x80 : 0) | opcode]
        switch payload.count {
        case ...125: bytes.append(0x80 | UInt8(payload.count))
        case ...65_535: bytes += [0x80 | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        default:
            bytes.append(0x80 | 127)
            for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(payload.count >> shift & 0xFF)) }
        }
        let key: [UInt8] = [1, 2, 3, 4]
        bytes += key
        for (index, byte) in payload.enumerated() { bytes.append(byte ^ key[index % 4]) }
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
    }

    func sendText(_ text: String) async throws { try await sendFrame(1, Array(text.utf8)) }

    struct Frame: Equatable, Sendable {
        var opcode: UInt8
        var payload: [UInt8]

        /// The code of a close frame; `nil` for any other.
        var code: UInt16? {
            opcode == 8 && payload.count >= 2 ? UInt16(payload[0]) << 8 | UInt16(payload[1]) : nil
        }
        var text: String { String(decoding: payload, as: UTF8.self) }
    }

    /// The next frame of a server.
    func frame() async throws -> Frame {
        try await take { bytes, _ in
            guard bytes.count >= 2 else { return nil }
            var length = Int(bytes[1] & 0x7F)
            let extra = length == 126 ? 2 : length == 127 ? 8 : 0
            guard bytes.count >= 2 + extra else { return nil }
            if extra > 0 { length = bytes[2..<2 + extra].reduce(0) { $0 << 8 | Int($1) } }
            guard bytes.count >= 2 + extra + length else { return nil }
            let frame = Frame(opcode: bytes[0] & 0x0F, payload: Array(bytes[(2 + extra)..<(2 + extra + length)]))
            bytes.removeFirst(2 + extra + length)
            return frame
        }
    }

    func send(_ text: String) async throws { try await channel.writeAndFlush(ByteBuffer(string: text)).get() }

    func endOutput() async throws { try await channel.close(mode: .output).get() }

    func close() { channel.close(promise: nil) }

    /// The next answer.
    func answer() async throws -> Answer {
        try await take { bytes, _ in
            let end: [UInt8] = [13, 10, 13, 10]
            guard bytes.count >= 4,
                let start = (0...bytes.count - 4).first(where: { Array(bytes[$0..<$0 + 4]) == end })
            else { return nil }
            let head = String(decoding: bytes[..<start], as: UTF8.self)
            let length =
                head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
                .flatMap { Int($0.split(separator: " ").last ?? "") } ?? 0
            guard bytes.count >= start + 4 + length else { return nil }
            let body = String(decoding: bytes[(start + 4)..<(start + 4 + length)], as: UTF8.self)
            bytes.removeFirst(start + 4 + length)
            return Answer(status: Int(head.dropFirst(9).prefix(3)) ?? 0, head: head, body: body)
        }
    }

    /// Everything until the other side ends.
    func rest() async throws -> String {
        try await take { bytes, hasEnded in hasEnded ? String(decoding: bytes, as: UTF8.self) : nil }
    }

    private func take<T: Sendable>(_ take: @escaping @Sendable (inout [UInt8], Bool) -> T?) async throws -> T {
        let promise = channel.eventLoop.makePromise(of: T.self)
        let waiter: @Sendable (inout [UInt8], Bool) -> Bool = { bytes, hasEnded in
            if let value = take(&bytes, hasEnded) {
                promise.succeed(value)
                return true
            }
            if hasEnded { promise.fail(ChannelError.eof) }
            return hasEnded
        }
        state.withLockedValue { state in
            if !waiter(&state.bytes, state.hasEnded) { state.waiter = waiter }
        }
        let alarm = channel.eventLoop.scheduleTask(in: patience) {
            promise.fail(ChannelError.connectTimeout(.zero))
        }
        defer { alarm.cancel() }
        return try await promise.futureResult.get()
    }

    private func received(_ buffer: ByteBuffer?) {
        state.withLockedValue { state in
            if let buffer { state.bytes += buffer.readableBytesView } else { state.hasEnded = true }
            if let waiter = state.waiter, waiter(&state.bytes, state.hasEnded) { state.waiter = nil }
        }
    }

    private final class Inbound: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let peer: HTTPPeer
        init(peer: HTTPPeer) { self.peer = peer }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { peer.received(unwrapInboundIn(data)) }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if event as? ChannelEvent == .inputClosed { peer.received(nil) }
        }

        func channelInactive(context: ChannelHandlerContext) { peer.received(nil) }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
