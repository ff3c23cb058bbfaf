public import WebSocketCore

extension WebSocketRoute {
    /// A route whose connections each get a task of their own, on the asynchronous face.
    ///
    /// - Parameter handle: runs once per connection; when it returns, the connection is closed with 1000.
    public init(
        handshake: ServerHandshake = ServerHandshake(), limits: ConnectionLimits = ConnectionLimits(),
        handle: @escaping @Sendable (AsyncWebSocket) async -> Void
    ) {
        self.init(handshake: handshake, limits: limits) { request in
            AsyncSession(loop: request.loop, subprotocol: request.subprotocol) { socket in
                Task {
                    await handle(socket)
                    await socket.close()
                }
            }
        }
    }
}
