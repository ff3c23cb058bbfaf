public import Channels

/// One app as it is configured: its own keys, its own channels, its own rules.
public struct PusherApp: Sendable {
    /// What apps are told apart by; digits only where stock libraries are to publish to it.
    public typealias ID = String

    /// What the HTTP API calls the app: `/apps/{id}/…`.
    public var id: ID
    /// What people call it.
    public var name: String
    /// The pairs that sign for it, all of them valid: more than one while keys are rotated.
    public var keys: [PusherKey]
    /// How closely its clients and back ends have to follow the protocol. Default strict.
    public var dialect = PusherDialect.strict
    /// Whether it can be used. Default `true`; otherwise clients are closed with 4003.
    public var isEnabled = true
    /// Whether clients may send events to each other. Default `false`.
    public var allowsClientEvents = false
    /// Whether subscribers are told how many they are. Default `false`.
    public var tellsSubscriptionCounts = false
    /// Whether the HTTP API accepts each signature once only. Default `false`.
    public var refusesReplay = false
    /// Milliseconds in which a connection has to sign in or to subscribe to a private or presence channel, or it is
    /// closed with 4009. Default `nil`: it need not.
    public var authorizationTimeout: UInt64?
    /// Connections at most on one node; one more is closed with 4004 and does not come back. Default `nil`: no limit
    /// but the node's.
    public var maximumConnections: Int?
    /// How much of each channel is kept. Default 100 publications, 300 s, 1 MiB.
    public var retention = Retention()
    /// The sizes and rates that it allows.
    public var limits = PusherLimits()

    /// An app with the defaults.
    public init(id: ID, name: String, keys: [PusherKey]) {
        self.id = id
        self.name = name
        self.keys = keys
    }

    /// The engine's namespace of the app's channels: `app:` and its id.
    public var namespace: [UInt8] { Array("app:\(id)".utf8) }
}
