/// How closely an app's clients and back ends have to follow the protocol.
///
/// Neither dialect relaxes the HMAC, `auth_timestamp`, `body_md5`, the rules for names, or the allowed origins.
public enum PusherDialect: String, CaseIterable, Hashable, Sendable {
    /// As the protocol's documentation says.
    case strict
    /// For existing clients of other servers: a connection without `protocol` speaks 7, `/app/KEY/` is `/app/KEY`, the
    /// first valid subprotocol that a client offers is accepted, a signature needs no `auth_version`, and the key alone
    /// chooses the app: the id in an API path is signed as it was sent, and means nothing.
    case lenient
}
