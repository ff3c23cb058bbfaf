/// One open connection as a session sees it: the way out. Carriers subclass it.
///
/// Confined to the loop's thread that calls the session. Everything sent in one turn of the loop leaves with one write.
open class WebSocketConnection {
    /// For carriers.
    public init() {}

    /// Queues a message; text must be UTF-8. Ignored after ``close(_:reason:)`` and after the end.
    open func send(_ kind: MessageKind, _ payload: RawSpan) {}

    /// Queues a message that was encoded before, by reference.
    open func send(_ frame: SharedFrame) {}

    /// Begins the closing handshake (RFC 6455 §7.1.2); later calls are ignored.
    ///
    /// - Parameters:
    ///   - code: a code that may not be sent becomes 1011.
    ///   - reason: for a person who reads a log; cut at 123 bytes of UTF-8.
    open func close(_ code: CloseCode, reason: String) {}

    /// Bytes that wait to be written.
    open var pendingBytes: Int { 0 }

    /// Whether the peer keeps up: `false` from the high mark of ``pendingBytes`` on, until it is below the low mark.
    open var isWritable: Bool { true }

    /// The peer for a log: address and port, or the client's address alone, where a trusted proxy has named it. Empty
    /// when it is gone. Asked of the kernel each time: nothing for every message.
    open var peer: String { "" }

    /// Stops or resumes reading from the peer, for a session that cannot take more. When the peer has ended its side, the
    /// carrier hands the session what is left all the same.
    open func setReading(_ isReading: Bool) {}

    /// Drops what is left of what a peer sent that has ended its side; only from within
    /// ``WebSocketSession/received(_:_:)``. Nothing happens as long as the peer has not.
    open func dropRest() {}

    /// Takes the message that the session is being handed off the rate of messages; only from within
    /// ``WebSocketSession/received(_:_:)``, and once.
    open func forgiveMessage() {}

    /// Lets only messages count as life from now on: something answers pings for a peer that may be gone. A browser
    /// does so for a page that was left.
    open func requireMessagesAsLife() {}
}

@available(*, unavailable)
extension WebSocketConnection: Sendable {}

extension WebSocketConnection {
    /// Queues a text message.
    public final func send(_ text: String) {
        var text = text
        text.withUTF8 { send(.text, $0.span.bytes) }
    }

    /// Begins the closing handshake without a reason.
    public final func close(_ code: CloseCode) { close(code, reason: "") }
}
