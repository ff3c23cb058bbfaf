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

    static func connect(port: Int) async throws -> HTTPPeer {
        try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let peer = HTTPPeer(channel: channel)
                    try channel.pipeline.syncOperations.addHandler(Inbound(peer: peer))
                    return peer
                }
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
