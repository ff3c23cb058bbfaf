/// What holds a connection's place among the server's limits: whoever carries the connection keeps it until the end.
public protocol ConnectionClaim: AnyObject, Sendable {
    /// The client's address, where a trusted proxy has named it; `nil` when the socket's peer is the client.
    var clientAddress: String? { get }
}
