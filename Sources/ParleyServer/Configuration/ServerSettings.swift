public import Logging
public import Reactor
public import RoomProtocol
public import WebSocketCompression
import WebSocketCore

/// What an operator tells a server, on the command line or in a file; what is `nil` has its default.
///
/// In the file the keys are the names of `parley serve`'s options with `_` instead of `-`; some things stand only there.
public struct ServerSettings: Sendable, Decodable {
    /// The address or host name to listen on.
    public var host: String?
    /// The port to listen on; 0 picks a free one.
    public var port: Int?
    /// Whether the chat room and its page are served.
    public var room: Bool?
    /// How a page is told that somebody left.
    public var roomLeft: RoomOptions.LeftType?
    /// The origins whose pages may connect.
    public var allowOrigin: [String]?
    /// How messages are compressed.
    public var compression: CompressionMode?
    /// Who carries connections.
    public var carrier: CarrierKind?
    /// Threads of the reactor.
    public var loops: Int?
    /// What is logged.
    public var logLevel: Logger.Level? {
        get { logLevelSetting?.level }
        set { logLevelSetting = newValue.map { LogLevelSetting($0) } }
    }
    private var logLevelSetting: LogLevelSetting?
    /// The apps, or `off`; without it they are in the apps file.
    public var apps: AppListSetting?
    /// Where apps are kept that are not in this file.
    public var appsFile: String?
    /// Bytes of the histories of all channels.
    public var historyBudget: Int?
    /// Bytes of the idempotency keys of all apps.
    public var idempotencyBudget: Int?

    /// Largest message in the room, in bytes.
    public var maxMessage: Int?
    /// Bytes that may wait for a slow reader in the room.
    public var maxPending: Int?
    /// Bytes that may wait for a slow reader, but not for long.
    public var softPending: Int?
    /// Seconds that more than that may wait.
    public var softPendingTime: Double?
    /// Seconds that any byte may wait.
    public var maxPendingAge: Double?
    /// Bytes that may wait for all slow readers together.
    public var outputBudget: Int?
    /// Connections in all.
    public var maxConnections: LimitSetting?
    /// Connections of one address.
    public var maxConnectionsPerAddress: LimitSetting?
    /// New connections a second.
    public var connectionRate: LimitSetting?
    /// Whether the limit of an address holds for this machine itself, too.
    public var limitLoopback: Bool?
    /// The networks of proxies that may name the clients' addresses, in CIDR notation.
    public var trustProxy: [String]?
    /// The header in which they do.
    public var forwardedHeader: String?
    /// Messages a second of one connection.
    public var maxRate: Int?
    /// Bytes a second that a visitor of the room may send.
    public var maxByteRate: LimitSetting?
    /// Members of a room.
    public var maxMembers: Int?
    /// How much of what is said in a room is kept.
    public var roomHistory: HistorySettings?
    /// Subscriptions of all apps' clients together, beyond 16 of each connection.
    public var maxSubscriptions: Int?
    /// Seconds from connecting, or from the first byte of a later request, to the end of the handshake or request.
    public var handshakeTimeout: Double?
    /// Bytes of the bodies of requests to the HTTP API together.
    public var bodyBudget: Int?
    /// Bytes of the unfinished messages of all connections together.
    public var assemblyBudget: Int?
    /// Seconds that a connection is kept without a request after one was answered on it.
    public var keepAliveTimeout: Double?
    /// Seconds that the server listens on after it was told to stop.
    public var drainDelay: Double?
    /// Seconds for a client to answer a close frame.
    public var closeTimeout: Double?
    /// Seconds of silence in the room after which a ping is sent.
    public var pingInterval: Double?
    /// Seconds for a client of the room to answer a ping.
    public var pongTimeout: Double?
    /// Seconds that a message under way may stand still.
    public var assemblyTimeout: Double?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case host, port, room, compression, carrier, loops, apps
        case roomLeft = "room_left"
        case roomHistory = "room_history"
        case allowOrigin = "allow_origin"
        case logLevelSetting = "log_level"
        case appsFile = "apps_file"
        case historyBudget = "history_budget"
        case idempotencyBudget = "idempotency_budget"
        case maxMessage = "max_message"
        case maxPending = "max_pending"
        case softPending = "soft_pending"
        case softPendingTime = "soft_pending_time"
        case maxPendingAge = "max_pending_age"
        case outputBudget = "output_budget"
        case maxConnections = "max_connections"
        case maxConnectionsPerAddress = "max_connections_per_address"
        case connectionRate = "connection_rate"
        case limitLoopback = "limit_loopback"
        case trustProxy = "trust_proxy"
        case forwardedHeader = "forwarded_header"
        case maxRate = "max_rate"
        case maxByteRate = "max_byte_rate"
        case maxMembers = "max_members"
        case maxSubscriptions = "max_subscriptions"
        case handshakeTimeout = "handshake_timeout"
        case assemblyBudget = "assembly_budget"
        case bodyBudget = "body_budget"
        case keepAliveTimeout = "keep_alive_timeout"
        case drainDelay = "drain_delay"
        case closeTimeout = "close_timeout"
        case pingInterval = "ping_interval"
        case pongTimeout = "pong_timeout"
        case assemblyTimeout = "assembly_timeout"
    }

    static let schema = KeySchema.section(
        CodingKeys.self, [.apps: .list(AppSettings.schema), .roomHistory: .section(HistorySettings.CodingKeys.self)])

    /// Everything at its default.
    public init() {}

    /// What this does not say, `others` says.
    public func over(_ others: ServerSettings) -> ServerSettings {
        var merged = others
        func take<Value>(_ key: WritableKeyPath<ServerSettings, Value?>) {
            if let value = self[keyPath: key] { merged[keyPath: key] = value }
        }
        take(\.host)
        take(\.port)
        take(\.room)
        take(\.roomLeft)
        take(\.allowOrigin)
        take(\.compression)
        take(\.carrier)
        take(\.loops)
        take(\.logLevel)
        take(\.apps)
        take(\.appsFile)
        // Who names a file of apps wants those, and not the ones that the others list.
        if appsFile != nil, apps == nil { merged.apps = nil }
        take(\.historyBudget)
        take(\.idempotencyBudget)
        take(\.maxMessage)
        take(\.maxPending)
        take(\.softPending)
        take(\.softPendingTime)
        take(\.maxPendingAge)
        take(\.outputBudget)
        take(\.maxConnections)
        take(\.maxConnectionsPerAddress)
        take(\.connectionRate)
        take(\.limitLoopback)
        take(\.trustProxy)
        take(\.forwardedHeader)
        take(\.maxRate)
        take(\.maxByteRate)
        take(\.maxMembers)
        take(\.roomHistory)
        take(\.maxSubscriptions)
        take(\.handshakeTimeout)
        take(\.assemblyBudget)
        take(\.bodyBudget)
        take(\.keepAliveTimeout)
        take(\.drainDelay)
        take(\.closeTimeout)
        take(\.pingInterval)
        take(\.pongTimeout)
        take(\.assemblyTimeout)
        return merged
    }

    /// What will not do: each with the path in the file, which is the option's name with `_` for `-`.
    ///
    /// Values that will not do together are named once each of them will do by itself.
    public func problems() -> [SettingProblem] {
        let problems = rangeProblems()
        return problems.isEmpty ? conflicts() : problems
    }

    /// Values that will not do by themselves.
    func rangeProblems() -> [SettingProblem] {
        let numbers: [SettingProblem?] = [
            .range(loops, 1...1024, "loops"),
            .range(assemblyBudget, 1_048_576...Int.max, "assembly_budget"),
            .range(bodyBudget, 1_048_576...Int.max, "body_budget"),
            .range(historyBudget, 1_048_576...Int.max, "history_budget"),
            .range(idempotencyBudget, 65_536...Int.max, "idempotency_budget"),
            .range(maxSubscriptions, 0...Int.max, "max_subscriptions"),
            .range(maxMessage, 1024...16_777_216, "max_message"),
            .range(softPending, 1...Int.max, "soft_pending"),
            .range(connectionRate, 1...1_000_000, "connection_rate"),
            .range(maxRate, 1...1_000_000, "max_rate"),
            .range(maxByteRate, 65_536...Int(UInt32.max), "max_byte_rate"),
            .range(maxMembers, 1...1_000_000, "max_members"),
        ]
        let range = 0.1...86_400.0
        let times: [SettingProblem?] = [
            .seconds(softPendingTime, range, "soft_pending_time"), .seconds(maxPendingAge, range, "max_pending_age"),
            .seconds(handshakeTimeout, range, "handshake_timeout"), .seconds(closeTimeout, range, "close_timeout"),
            .seconds(pingInterval, range, "ping_interval"), .seconds(pongTimeout, range, "pong_timeout"),
            .seconds(assemblyTimeout, range, "assembly_timeout"),
            .seconds(keepAliveTimeout, range, "keep_alive_timeout"), .seconds(drainDelay, 0...3_600, "drain_delay"),
        ]
        var problems = (numbers + times).compactMap { $0 }
        if let port, !(0...65535 ~= port) {
            problems.append(SettingProblem(["port"], "\(port): a port is a number from 0 to 65535."))
        }
        if appsFile?.isEmpty == true {
            problems.append(SettingProblem(["apps_file"], "'': give the path of a file."))
        }
        if let outputBudget, outputBudget < 1_048_576 {
            problems.append(SettingProblem(["output_budget"], "\(outputBudget): give at least 1048576 bytes."))
        }
        // A max_message that will not do has a line of its own.
        let message = max(1024, min(maxMessage ?? ParleyConfiguration.defaultMaximumMessage, 16_777_216))
        if let maxPending, maxPending < message {
            problems.append(
                SettingProblem(["max_pending"], "\(maxPending): it must hold at least one message (\(message) bytes)."))
        }
        problems += ProxySettings.problems(networks: trustProxy ?? [], header: forwardedHeader)
        if allowOrigin?.isEmpty == true {
            let words = "an empty list would let everybody in: name an origin, or leave the setting out."
            problems.append(SettingProblem(["allow_origin"], words))
        }
        if host?.isEmpty == true {
            problems.append(SettingProblem(["host"], "'': give an address of this machine, or leave the setting out."))
        }
        for (number, origin) in (allowOrigin ?? []).enumerated() {
            if let words = AllowedOrigin.problem(origin) {
                problems.append(SettingProblem(["allow_origin", String(number)], words))
            }
        }
        if let roomHistory {
            problems += roomHistory.problems().map { $0.below(["room_history"]) }
        }
        if let apps {
            problems += AppSettings.problems(in: apps.apps).map { $0.below(["apps"]) }
        }
        return problems
    }
}
