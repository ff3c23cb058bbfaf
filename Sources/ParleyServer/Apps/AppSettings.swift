public import PusherProtocol

/// One app as an operator describes it; what is `nil` has its default.
public struct AppSettings: Sendable, Codable {
    /// What the HTTP API calls it: letters, digits, `-` and `_`; the stock libraries want digits.
    public var id: String
    /// What people call it.
    public var name: String?
    /// How closely its clients and back ends have to follow the protocol.
    public var dialect: PusherDialect?
    /// Whether it can be used.
    public var isEnabled: Bool?
    /// The pairs that sign for it.
    public var keys: [KeySettings]
    /// Whether clients may send events to each other.
    public var allowsClientEvents: Bool?
    /// Whether subscribers are told how many they are.
    public var tellsSubscriptionCounts: Bool?
    /// Whether the HTTP API accepts each signature once only.
    public var refusesReplay: Bool?
    /// Seconds in which a connection has to sign in or to subscribe to a channel that is not public.
    public var authorizationTimeout: Double?
    /// Connections at most on one node.
    public var maximumConnections: LimitSetting?
    /// How much of each channel is kept.
    public var history: HistorySettings?
    /// Sizes and rates.
    public var limits: AppLimitSettings?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case id, name, dialect, keys, history, limits
        case isEnabled = "enabled"
        case allowsClientEvents = "client_events"
        case tellsSubscriptionCounts = "subscription_count"
        case refusesReplay = "refuse_replay"
        case authorizationTimeout = "authorization_timeout"
        case maximumConnections = "max_connections"
    }

    static let schema = KeySchema.section(
        CodingKeys.self,
        [
            .keys: .list(.section(KeySettings.CodingKeys.self)),
            .history: .section(HistorySettings.CodingKeys.self),
            .limits: .section(AppLimitSettings.CodingKeys.self),
        ])

    /// An app with the defaults.
    public init(id: String, name: String? = nil, keys: [KeySettings]) {
        self.id = id
        self.name = name
        self.keys = keys
    }

    /// A new app with a random key, for a person who has not said what clients there will be: the lenient dialect takes
    /// those of other servers as they are.
    public static func new(id: String, name: String?) -> AppSettings {
        var app = AppSettings(id: id, name: name, keys: [.random()])
        app.dialect = .lenient
        return app
    }

    /// Whether it takes the clients of other servers as they are.
    public var isLenient: Bool { dialect == .lenient }

    /// The app as the protocol knows it.
    public var app: PusherApp {
        var app = PusherApp(id: id, name: name ?? id, keys: keys.map { PusherKey(key: $0.key, secret: $0.secret) })
        app.dialect = dialect ?? app.dialect
        app.isEnabled = isEnabled ?? app.isEnabled
        app.allowsClientEvents = allowsClientEvents ?? app.allowsClientEvents
        app.tellsSubscriptionCounts = tellsSubscriptionCounts ?? app.tellsSubscriptionCounts
        app.refusesReplay = refusesReplay ?? app.refusesReplay
        app.authorizationTimeout = authorizationTimeout.map { UInt64($0 * 1000) }
        app.maximumConnections = maximumConnections?.value
        history?.apply(to: &app.retention)
        limits?.apply(to: &app.limits)
        return app
    }

    /// What will not do in a list of apps: the paths begin with the app's number.
    public static func problems(in apps: [AppSettings]) -> [SettingProblem] {
        var problems: [SettingProblem] = []
        var ids: Set<[UInt8]> = []
        var keys: Set<[UInt8]> = []
        for (number, app) in apps.enumerated() {
            let path = [String(number)]
            if !ids.insert(Array(app.id.utf8)).inserted {
                problems.append(SettingProblem(path + ["id"], "\(app.id): another app has this id."))
            }
            for (keyNumber, key) in app.keys.enumerated() where !keys.insert(Array(key.key.utf8)).inserted {
                problems.append(
                    SettingProblem(path + ["keys", String(keyNumber), "key"], "\(key.key): another pair has this key."))
            }
            problems += app.problems().map { $0.below(path) }
        }
        return problems
    }

    /// What is wrong with an app's id; `nil` when it will do.
    public static func problem(withID id: String) -> String? {
        isName(id, 1...64) ? nil : "must have 1 to 64 letters, digits, '-' or '_'."
    }

    /// What is wrong with an app's name; `nil` when it will do.
    public static func problem(withName name: String) -> String? {
        isTitle(name) ? nil : "must have 1 to 128 characters, no control characters."
    }

    private static func isTitle(_ name: String) -> Bool {
        1...128 ~= name.unicodeScalars.count
            && name.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    }

    private func problems() -> [SettingProblem] {
        var problems: [SettingProblem] = []
        if let words = Self.problem(withID: id) { problems.append(SettingProblem(["id"], words)) }
        if let name, let words = Self.problem(withName: name) { problems.append(SettingProblem(["name"], words)) }
        if keys.isEmpty { problems.append(SettingProblem(["keys"], "must have one pair of key and secret at least.")) }
        for (number, key) in keys.enumerated() {
            problems += key.problems().map { $0.below(["keys", String(number)]) }
        }
        let timeout = SettingProblem.seconds(authorizationTimeout, 1...86_400, "authorization_timeout")
        let connections = SettingProblem.range(maximumConnections, 1...Int.max, "max_connections")
        problems += [timeout, connections].compactMap { $0 }
        problems += (history?.problems() ?? []).map { $0.below(["history"]) }
        problems += (limits?.problems() ?? []).map { $0.below(["limits"]) }
        return problems
    }

    /// Whether a text is made of letters, digits, `-` and `_` alone.
    static func isName(_ text: String, _ length: ClosedRange<Int>) -> Bool {
        length ~= text.utf8.count
            && text.utf8.allSatisfy {
                0x30...0x39 ~= $0 || 0x41...0x5A ~= $0 || 0x61...0x7A ~= $0 || $0 == 0x2D || $0 == 0x5F
            }
    }
}
