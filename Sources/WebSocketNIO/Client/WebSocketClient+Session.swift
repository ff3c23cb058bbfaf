package import NIOCore
import NIOPosix
package import WebSocketCore

extension WebSocketClient {
    /// Connects to an address that is known already, on a loop of the caller's choice: for very many connections.
    ///
    /// Unlike ``connect(to:makeSession:)`` it asks no resolver and needs no task; may be called from any thread.
    ///
    /// - Parameters:
    ///   - url: gives `Host` and the request target (RFC 6455 §4.1).
    ///   - address: where to connect to.
    ///   - source: the address of this machine to connect from; by default the system chooses. Its port should be 0.
    ///   - eventLoop: the loop that carries the connection, of any group.
    ///   - makeSession: gets the subprotocol that the server chose; called on `eventLoop`.
    /// - Returns: completes when the connection is open; fails as ``connect(to:)`` throws.
    package func connect(
        to url: WebSocketURL, at address: SocketAddress, from source: SocketAddress? = nil, on eventLoop: any EventLoop,
        makeSession: @escaping @Sendable (_ subprotocol: String?) -> WebSocketSession
    ) -> EventLoopFuture<Void> {
        guard url.scheme == .ws else { return eventLoop.makeFailedFuture(WebSocketError.tlsUnavailable) }
        let opened = eventLoop.makePromise(of: Void.self)
        let deadline = eventLoop.scheduleTask(in: connectTimeout) { opened.fail(WebSocketError.connectTimeout) }
        var bootstrap = bootstrap(url, on: eventLoop, opened, makeSession)
        if let source {
            bootstrap = bootstrap.bind(to: source)
            #if os(Linux)
            // IP_BIND_ADDRESS_NO_PORT, which no C module exports: the port is chosen when the peer is known, so that
            // each destination has all ports.
            bootstrap = bootstrap.channelOption(
                ChannelOptions.Types.SocketOption(level: .ip, name: NIOBSDSocket.Option(rawValue: 24)), value: 1)
            #endif
        }
        bootstrap.connect(to: address).whenComplete { result in
            switch result {
            case .success(let channel):
                opened.futureResult.whenFailure { _ in channel.close(promise: nil) }
            case .failure(ChannelError.connectTimeout):
                opened.fail(WebSocketError.connectTimeout)
            case .failure(let error):
                opened.fail(error)
            }
        }
        opened.futureResult.whenComplete { _ in deadline.cancel() }
        return opened.futureResult
    }
}
