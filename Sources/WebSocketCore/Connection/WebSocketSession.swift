/// What an application does with one connection: the synchronous face of the library.
///
/// Subclass it and override what you need. All calls come on the connection's loop thread, one after the other, so a
/// session needs no lock for its own state; and none of them may block, since all other connections of the loop wait.
/// An abstract class and not a protocol, so that a message costs one call through a table and nothing else.
open class WebSocketSession {
    /// A session that ignores everything.
    public init() {}

    /// What the operator's log calls this peer, behind its address; empty by default. Asked when the peer is refused
    /// something or cut off, where it must not send or close.
    open var peerName: String { "" }

    /// A peer for the log: its address, and what its session calls it.
    public static func peer(at address: String, of session: WebSocketSession?) -> String {
        let name = session?.peerName ?? ""
        return name.isEmpty || address.isEmpty ? address + name : "\(address) \(name)"
    }

    /// The opening handshake is complete; `connection` is the one to send on, until ``closed(_:)``.
    open func opened(_ connection: WebSocketConnection) {}

    /// A whole message has arrived.
    ///
    /// - Parameter payload: valid during the call only; text has been checked to be UTF-8.
    open func received(_ kind: MessageKind, _ payload: RawSpan) {}

    /// The peer has sent more than its rates allow for longer than ``ConnectionLimits/maximumHoldTime``; the connection is
    /// closed with 1008 right after this call. What is sent here comes before the close
    /// frame, and a session may close with a frame of its own.
    open func rateExceeded() {}

    /// The peer has been silent for the ping interval; a ping of RFC 6455 leaves right after this call.
    open func peerIsSilent() {}

    /// What waited to be written is below the low mark again, after ``WebSocketConnection/isWritable`` was `false`.
    open func becameWritable() {}

    /// The server stops, and the connection is closed for it right after this call: what is sent here comes before the
    /// close frame. A session may also close with a frame of its own.
    open func serverStops() {}

    /// The connection has ended; the last call.
    open func closed(_ outcome: CloseOutcome) {}
}

@available(*, unavailable)
extension WebSocketSession: Sendable {}
