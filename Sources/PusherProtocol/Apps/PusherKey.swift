/// A pair that signs for an app: the key is public and names the pair, the secret signs.
public struct PusherKey: Hashable, Sendable {
    /// What clients connect with and signatures name; without a `:`.
    public var key: String
    /// What signatures are made with (HMAC-SHA256).
    public var secret: Secret

    /// Composes a pair.
    public init(key: String, secret: Secret) {
        self.key = key
        self.secret = secret
    }
}
