/// Where a server listens.
public struct BoundAddress: Hashable, Sendable {
    /// The address in text, for example 127.0.0.1.
    public let host: String
    /// The port that was bound.
    public let port: Int
}
