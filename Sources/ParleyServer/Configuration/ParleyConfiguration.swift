import Channels
public import PusherProtocol
public import Reactor
public import RoomProtocol
public import WebSocketCompression
public import WebSocketCore
public import WebSocketNIO

/// What an operator chooses about a Parley server.
public struct ParleyConfiguration: Sendable {
    /// The largest message in the room, in bytes, unless said otherwise: 1 MiB.
    static let defaultMaximumMessage = 1024 * 1024
    static let defaultAssemblyBudget = 256 * 1024 * 1024
    /// Bytes a second from a visitor of the room, unless said otherwise: 1 MiB.
    static let defaultByteRate: UInt32 = 1024 * 1024

    /// The address or host name to listen on. Default 127.0.0.1: this machine only.
    public var host = "127.0.0.1"
    /// The port to listen on; 0 picks a free one. Default 8080.
    public var port = 8080
    /// Whether the chat room and its page are served. Default yes.
    public var servesRoom = true
    /// The origins whose pages may connect, as `scheme://host[:port]`, besides the server's own page; empty for any.
    public var allowedOrigins: [String] = []
    /// How messages are compressed. Default off (RFC 7692 §8).
    public var compression = DeflateConfiguration(mode: .off)
    /// Who carries connections after their opening handshake. Default the reactor on Linux, SwiftNIO elsewhere.
    public var carrier = CarrierKind.auto
    /// Threads of the reactor; by default one for each processor.
    public var loops: Int?
    /// What a connection to the room may ask.
    public var roomLimits: ConnectionLimits
    /// How many connections the server takes: WebSockets, of one address, and a second. One address gets at most half of
    /// the WebSockets unless a setting names a number for it.
    public var accept = AcceptLimits()
    /// The proxies that may name the clients' addresses. Default none.
    public var proxies = TrustedProxies()
    /// Memory of the node for what waits to be written to slow readers, in bytes. Default 256 MiB.
    public var outputBudget = 256 * 1024 * 1024
    /// Memory of the node for unfinished messages, in bytes; each loop has an equal part. Default 256 MiB.
    public var assemblyBudget = Self.defaultAssemblyBudget
    /// Memory of the node for the bodies of requests to the HTTP API, in bytes; one app takes at most half. Default 64 MiB.
    public var bodyBudget = 64 * 1024 * 1024
    /// How long the server listens on after a graceful shutdown has begun, for load balancers to notice. Default 1 s.
    public var drainDelay = Duration.seconds(1)
    /// Memory of the node for the histories of all channels, in bytes. Default 256 MiB.
    public var historyBudget = 256 * 1024 * 1024
    /// Memory of the node for the idempotency keys of all apps, in bytes. Default 512 MiB.
    public var idempotencyBudget = 512 * 1024 * 1024
    /// Memory of the node for the windows of dedicated compression, in bytes. Default 256 MiB.
    var compressionBudget = 256 * 1024 * 1024
    /// Subscriptions of all apps' clients together, beyond 16 of each connection: about 1.3 KB each. Default 500,000.
    public var maximumSubscriptions = 500_000
    /// What is accepted before the 101, and of requests to the HTTP API.
    public var http = HTTPLimits()
    /// Members of a room, and how a leave is told.
    public var room = RoomOptions()
    /// The apps whose clients speak the Pusher protocol; none by default.
    public var apps: [PusherApp] = []
    /// What a connection of an app may ask; pings follow the app's activity timeout.
    public var appLimits: ConnectionLimits

    /// The defaults of the room: messages of 1 MiB, four of them pending, 1 MiB a second. An app's clients have smaller
    /// messages.
    public init() {
        roomLimits = ConnectionLimits()
        appLimits = ConnectionLimits()
        accept.limitsAddressToHalf = true
        roomLimits.bytesPerSecond = Self.defaultByteRate
        // What clients do about these codes: come back after a second at least, or at once.
        appLimits.slowReaderCode = PusherService.comeBackLater
        appLimits.stopCode = PusherService.comeBackLater
        appLimits.pongTimeoutCode = PusherService.noPong
        setMaximumMessage(bytes: Self.defaultMaximumMessage)
    }

    /// The defaults, and what the settings say instead.
    ///
    /// - Throws: ``ConfigurationError`` with a line for each setting that will not do.
    public init(_ settings: ServerSettings) throws {
        self.init()
        let problems = settings.problems()
        guard problems.isEmpty else { throw ConfigurationError(lines: problems.map(\.description)) }
        host = settings.host ?? host
        port = settings.port ?? port
        servesRoom = settings.room ?? servesRoom
        allowedOrigins = settings.allowOrigin ?? allowedOrigins
        if let mode = settings.compression { compression = DeflateConfiguration(mode: mode) }
        carrier = settings.carrier ?? carrier
        loops = settings.loops
        room.leftType = settings.roomLeft ?? room.leftType
        apps = settings.apps?.apps.map(\.app) ?? []
        apply(settings)
    }

    private mutating func apply(_ settings: ServerSettings) {
        if let bytes = settings.maxMessage { setMaximumMessage(bytes: bytes) }
        if let bytes = settings.maxPending {
            roomLimits.maximumPendingBytes = bytes
            room.maximumSaidBytes = bytes
        }
        outputBudget = settings.outputBudget ?? outputBudget
        historyBudget = settings.historyBudget ?? historyBudget
        idempotencyBudget = settings.idempotencyBudget ?? idempotencyBudget
        settings.roomHistory?.apply(to: &room.retention)
        room.maximumMembers = settings.maxMembers ?? room.maximumMembers
        maximumSubscriptions = settings.maxSubscriptions ?? maximumSubscriptions
        assemblyBudget = settings.assemblyBudget ?? assemblyBudget
        bodyBudget = settings.bodyBudget ?? bodyBudget
        drainDelay = milliseconds(settings.drainDelay).map { .milliseconds(Int64(clamping: $0)) } ?? drainDelay
        http.keepAliveTimeout = milliseconds(settings.keepAliveTimeout) ?? http.keepAliveTimeout
        http.requestTimeout = milliseconds(settings.handshakeTimeout) ?? http.requestTimeout
        if let limit = settings.maxConnections { accept.maximumConnections = limit.value }
        if let limit = settings.maxConnectionsPerAddress {
            accept.maximumConnectionsPerAddress = limit.value
            accept.limitsAddressToHalf = false
        }
        if let rate = settings.connectionRate {
            accept.connectionsPerSecond = rate.value
            if let number = rate.value { accept.connectionBurst = 2 * number }
        }
        proxies.networks = settings.trustProxy?.compactMap { AddressNetwork($0) } ?? proxies.networks
        proxies.header = settings.forwardedHeader ?? proxies.header
        accept.limitsLoopback = settings.limitLoopback ?? accept.limitsLoopback
        roomLimits.pingInterval = milliseconds(settings.pingInterval) ?? roomLimits.pingInterval
        roomLimits.pongTimeout = milliseconds(settings.pongTimeout) ?? roomLimits.pongTimeout
        if let rate = settings.maxByteRate { roomLimits.bytesPerSecond = rate.value.map { UInt32(clamping: $0) } }
        applyToAll(settings, &roomLimits)
        applyToAll(settings, &appLimits)
    }

    /// What holds for the room and for apps alike.
    private func applyToAll(_ settings: ServerSettings, _ limits: inout ConnectionLimits) {
        limits.softPendingBytes = settings.softPending ?? limits.softPendingBytes
        limits.softPendingTime = milliseconds(settings.softPendingTime) ?? limits.softPendingTime
        limits.maximumPendingAge = milliseconds(settings.maxPendingAge) ?? limits.maximumPendingAge
        limits.closeTimeout = milliseconds(settings.closeTimeout) ?? limits.closeTimeout
        limits.assemblyTimeout = milliseconds(settings.assemblyTimeout) ?? limits.assemblyTimeout
        if let rate = settings.maxRate { limits.messagesPerSecond = UInt32(clamping: rate) }
    }

    private func milliseconds(_ seconds: Double?) -> UInt64? { seconds.map { UInt64($0 * 1000) } }

    /// Sets the room's largest message, with the fragments and the pending output that go with it.
    public mutating func setMaximumMessage(bytes: Int) {
        roomLimits.setMaximumMessage(bytes: bytes)
        roomLimits.maximumPendingBytes = bytes.multipliedReportingOverflow(by: 4).partialValue
        room.maximumSaidBytes = roomLimits.maximumPendingBytes
        // A message that is larger than what a room keeps would be a gap to everybody who is away.
        room.retention.bytes = max(room.retention.bytes, bytes.multipliedReportingOverflow(by: 2).partialValue)
    }
}
