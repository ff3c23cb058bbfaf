/// What a server refused a peer, and why: for the operator's log.
///
/// Carriers and front doors report one to the function that their configuration names, on the connection's loop; it must
/// not block. A slow reader that is disconnected is a ``SlowReader`` instead, and a server that stops refuses nobody.
public struct Refusal: Hashable, Sendable {
    /// How the peer was told.
    public enum Answer: Hashable, Sendable, CustomStringConvertible {
        /// By an HTTP status from 400 on; below, the peer seems to have wanted something else than it asked for.
        case status(Int)
        /// By a close frame that this side sent first.
        case close(CloseCode)
        /// By an error message with this code, on a connection that stays open.
        case error(Int)
        /// By an error message without a code, on a connection that stays open.
        case message

        /// For a log, for example `close 1003`.
        public var description: String {
            switch self {
            case .status(let status): "HTTP \(status)"
            case .close(let code): "close \(code.rawValue)"
            case .error(let code): "error \(code)"
            case .message: "error"
            }
        }
    }

    /// How the peer was told.
    public let answer: Answer
    /// The words that it was told.
    public let reason: String
    /// What the peer sent that was refused, as it came: escape it before it reaches a log. Empty when the reason is
    /// enough. Never a signature, a token or a query.
    public let detail: String
    /// The peer in text: an address, or the socket id of a connection; empty when it is not known.
    public let peer: String

    /// Composes a report.
    public init(_ answer: Answer, reason: String, detail: String = "", peer: String) {
        self.answer = answer
        self.reason = reason
        self.detail = detail
        self.peer = peer
    }
}
