/// What can go wrong above the protocol: the one error type of this module.
///
/// Errors of the opening handshake come as `HandshakeFailure`, errors of the system as `IOError`.
public struct WebSocketError: Error, Hashable, Sendable, CustomStringConvertible {
    private enum Kind: Hashable {
        case connectionClosed, connectTimeout, tlsUnavailable, responseTooLong, responseInvalid
        case connectionClosedDuringHandshake, alreadyStarted
        case limitBelowOne(String)
    }

    private let kind: Kind

    private init(_ kind: Kind) { self.kind = kind }

    /// The connection has been closed, by either side: nothing can be sent any more.
    public static let connectionClosed = WebSocketError(.connectionClosed)
    /// No open connection within the time for it.
    public static let connectTimeout = WebSocketError(.connectTimeout)
    /// A `wss` URL: this client does not speak TLS.
    public static let tlsUnavailable = WebSocketError(.tlsUnavailable)
    /// The head of the server's answer is longer than 16 KiB.
    public static let responseTooLong = WebSocketError(.responseTooLong)
    /// The server's answer is not HTTP/1.1.
    public static let responseInvalid = WebSocketError(.responseInvalid)
    /// The server closed the connection before it had answered.
    public static let connectionClosedDuringHandshake = WebSocketError(.connectionClosedDuringHandshake)

    /// The server listens already: stop it before it is started again.
    public static let alreadyStarted = WebSocketError(.alreadyStarted)

    /// A limit of ``AcceptLimits`` that would let nobody in: name a number from 1 on, or `nil` for no limit.
    public static func limitBelowOne(_ name: String) -> WebSocketError { WebSocketError(.limitBelowOne(name)) }

    /// Cause and, where there is one, cure.
    public var description: String {
        switch kind {
        case .connectionClosed: return "the connection is closed"
        case .connectTimeout: return "no connection within the time for it: is the server running there?"
        case .tlsUnavailable: return "this client does not speak TLS: use a ws:// URL"
        case .responseTooLong: return "the server's answer has a head of more than 16 KiB"
        case .responseInvalid: return "the server's answer is not HTTP/1.1: is it a WebSocket server?"
        case .connectionClosedDuringHandshake: return "the server closed the connection before it had answered"
        case .alreadyStarted: return "the server listens already: stop it before it is started again"
        case .limitBelowOne(let name):
            return "the limit \(name) is less than 1 and would let nobody in: give a number from 1 on, or nil for none"
        }
    }
}
