import NIOCore
import NIOPosix

/// A server without any protocol: hands out the connections that come.
final class RawServer: Sendable {
    let port: Int
    let peers = Mailbox<RawPeer>()
    private let listener: any Channel

    init() async throws {
        let peers = peers
        listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { peers.put(try RawPeer.attach(to: channel)) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = listener.localAddress?.port ?? 0
    }

    func stop() async { try? await listener.close() }
}
