public import WebSocketCore

/// What both sides agreed on for `permessage-deflate` (RFC 7692 §7.1): the four parameters with their defaults.
public struct DeflateParameters: Hashable, Sendable {
    /// Whether the server starts every message with an empty window (RFC 7692 §7.1.1.1).
    public var serverNoContextTakeover: Bool
    /// Whether the client starts every message with an empty window (RFC 7692 §7.1.1.2).
    public var clientNoContextTakeover: Bool
    /// The base-two logarithm of the server's largest window in bytes: 8...15 (RFC 7692 §7.1.2.1).
    public var serverMaxWindowBits: Int
    /// The base-two logarithm of the client's largest window in bytes: 8...15 (RFC 7692 §7.1.2.2).
    public var clientMaxWindowBits: Int

    /// Without arguments: the parameters of a response that names none.
    public init(
        serverNoContextTakeover: Bool = false, clientNoContextTakeover: Bool = false,
        serverMaxWindowBits: Int = 15, clientMaxWindowBits: Int = 15
    ) {
        self.serverNoContextTakeover = serverNoContextTakeover
        self.clientNoContextTakeover = clientNoContextTakeover
        self.serverMaxWindowBits = serverMaxWindowBits
        self.clientMaxWindowBits = clientMaxWindowBits
    }

    /// The window that the side `role` may use when it sends.
    public func windowBits(sentBy role: Role) -> Int {
        role == .server ? serverMaxWindowBits : clientMaxWindowBits
    }

    /// Whether the side `role` keeps its window from one message that it sends to the next.
    public func contextTakeover(sentBy role: Role) -> Bool {
        role == .server ? !serverNoContextTakeover : !clientNoContextTakeover
    }
}
