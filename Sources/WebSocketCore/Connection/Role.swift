/// Which side of a WebSocket connection an endpoint plays (RFC 6455 §1.1).
///
/// The role decides who masks: a client masks every frame it sends, a server none (RFC 6455 §5.1).
public enum Role: Sendable, Hashable {
    /// The side that sent the opening request.
    case client
    /// The side that answered it with 101.
    case server
}
