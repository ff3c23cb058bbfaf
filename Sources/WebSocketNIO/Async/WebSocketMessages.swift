/// The messages of one connection in their order.
///
/// One message is read at a time: the next one when the consumer asks for it. While it works, up to 64 KiB may arrive,
/// and then the socket is no longer read, so that a slow consumer slows its peer down and holds little. The sequence
/// ends with the connection, or when the task is cancelled. Several iterators take turns on the same messages.
public struct WebSocketMessages: AsyncSequence, Sendable {
    let socket: AsyncWebSocket

    /// Hands out the messages.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let socket: AsyncWebSocket

        /// The next message, or `nil` after the end of the connection.
        public mutating func next() async -> WebSocketMessage? { await socket.receive() }
    }

    /// An iterator over what has not been taken yet.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(socket: socket) }
}
