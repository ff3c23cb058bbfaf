import Channels
import Logging
import PusherProtocol
import RoomProtocol
import Synchronization
import WebSocketCore
import WebSocketNIO

/// What the server serves: the room, the apps, or both, on one engine and with one shard for each loop.
final class ServedProtocols: Sendable {
    private let engine: MemoryEngine
    private let observers: ObserverLink
    private let room: RoomService?
    private let apps: PusherService?
    private let shards: Shards
    /// Memory of the node for what slow readers have not taken: of its sockets, and of what is read for replays.
    let outputBudget: OutputBudget
    /// What answers the HTTP API; `nil` without apps.
    let api: APIService?
    private let appLimits: ConnectionLimits
    private let longWork = AppWork(threads: 1, label: "parley-long-work")
    private let isDraining = Atomic(false)

    init(
        _ configuration: ParleyConfiguration, originPolicy: OriginPolicy, logger: Logger,
        onRefusal: @escaping @Sendable (Refusal) -> Void
    ) {
        let clock = MemoryStore.systemClock()
        appLimits = configuration.appLimits
        let observers = ObserverLink()
        self.observers = observers
        let engine = MemoryEngine(store: Self.store(configuration, clock: clock, logger: logger), observer: observers)
        self.engine = engine
        outputBudget = OutputBudget(bytes: configuration.outputBudget)
        let shards = Shards(outputBudget: outputBudget)
        self.shards = shards
        room =
            configuration.servesRoom
            ? RoomService(
                rooms: Rooms(
                    options: configuration.room, engine: engine, instant: clock, clock: { LocalClock.now() },
                    onRefusal: onRefusal),
                shards: shards, limits: configuration.roomLimits, originPolicy: originPolicy)
            : nil
        guard !configuration.apps.isEmpty else {
            apps = nil
            api = nil
            return
        }
        let node = PusherNode(
            apps: configuration.apps, engine: engine, clock: clock,
            wallClock: { SystemClock.unixMilliseconds() },
            maximumSubscriptions: configuration.maximumSubscriptions, onRefusal: onRefusal)
        observers.connect(node)
        apps = PusherService(
            node: node, clock: clock, shards: shards, limits: configuration.appLimits, originPolicy: originPolicy)
        api = APIService(
            PusherAPI(
                node: node, inflater: GzipBody.inflate, answers: AnswerBudget(bytes: configuration.bodyBudget),
                doLongWork: { [longWork] in longWork.add($0, $1) }),
            maximumBodyBytes: configuration.http.maximumBodyBytes, logger: logger, onRefusal: onRefusal)
    }

    /// What everything is kept in: every app and the rooms have equal shares of it from the start.
    private static func store(
        _ configuration: ParleyConfiguration, clock: @escaping @Sendable () -> MonotonicInstant, logger: Logger
    ) -> MemoryStore {
        var options = MemoryStore.Options(
            historyBudget: configuration.historyBudget, keyBudget: configuration.idempotencyBudget)
        options.namespaces = configuration.apps.map(\.namespace)
        if configuration.servesRoom { options.namespaces.append(Rooms.namespace) }
        let limits = SampledLog("a limit of what is kept has been reached", logger)
        return MemoryStore(
            options: options, clock: clock,
            onLimit: { limit, namespace in
                limits.report(
                    reason: limit.rawValue, ["namespace": "\(String(decoding: namespace, as: UTF8.self))"])
            })
    }

    /// Sets whose pages may connect from now on.
    func setOriginPolicy(_ policy: OriginPolicy) {
        room?.setOriginPolicy(policy)
        apps?.setOriginPolicy(policy)
    }

    /// Who a WebSocket is for: an app's client, where the path says so; nobody on the paths of the HTTP API; otherwise
    /// somebody in the room.
    func route(for request: OpeningRequest) -> WebSocketRoute? {
        if let apps {
            if let route = apps.route(for: request) { return route }
        } else if PusherHandshake.isMeant(by: request.target) {
            return WebSocketRoute(handshake: ServerHandshake(originPolicy: .any), limits: appLimits) { _ in
                PusherRefusal(
                    code: PusherCloseCode.unknownApp, message: "This server serves no apps: they are switched off.")
            }
        }
        if let api, api.claims(request.target.prefix { $0 != "?" }) { return nil }
        return room?.route
    }

    /// What an ordinary request gets that is none to the HTTP API.
    func answer(_ request: HTTPRequest) -> HTTPAnswer {
        if request.path == "/up" { return health }
        if let library = PageAssets.library(at: request.path), apps != nil { return library }
        if room != nil, var asset = PageAssets.answer(for: request.path) {
            // A proxy that does not pass Upgrade on leaves the key; no browser sends one for a page.
            if !request.head.fields.values(of: "Sec-WebSocket-Key").isEmpty {
                asset.reason = "A WebSocket was asked for without Upgrade, and got the page: \(Self.aboutProxies)"
            }
            return asset
        }
        let asksForUpgrade = TokenList(request.head.fields.values(of: "Upgrade")).contains("websocket")
        let isForWebSockets =
            (room != nil && (asksForUpgrade || request.path == "/chat"))
            || (apps != nil && request.path.utf8.starts(with: "/app/".utf8))
        guard isForWebSockets else {
            return .text(
                404,
                room != nil ? "Nothing is here. The chat page is at /." : "The room is switched off on this server.")
        }
        return .text(
            426, "Only WebSocket is spoken here; \(Self.aboutProxies)",
            fields: [("Sec-WebSocket-Version", "13"), ("Upgrade", "websocket"), ("Connection", "Upgrade")])
    }

    private static let aboutProxies = "a proxy in between has to pass on Upgrade and Connection."

    /// Whether this node takes new connections, for a load balancer.
    private var health: HTTPAnswer {
        let fields = [(name: "Cache-Control", value: "no-store")]
        guard isDraining.load(ordering: .relaxed) else { return .text(200, "up", fields: fields) }
        var answer = HTTPAnswer.text(503, "shutting down", fields: fields + [(name: "Retry-After", value: "1")])
        answer.reason = ""  // what a load balancer asks for is no trouble
        return answer
    }

    /// Does what is due about once a second, until its task is cancelled.
    func tickEverySecond() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(1))
            engine.tick()
            room?.tick()
            apps?.tick()
        }
    }

    /// From now on `/up` says that the node is going, and new clients of apps are closed with 4100.
    func beginDraining() {
        isDraining.store(true, ordering: .relaxed)
        apps?.beginDraining()
    }

    /// Logs the most that a loop has done in one iteration.
    func report(_ logger: Logger) {
        let most = shards.statistics
        logger.debug(
            "the most that a loop has done in one iteration",
            metadata: [
                "deliveries": "\(most.mostDeliveries)", "bytes": "\(most.mostBytes)",
                "encodings": "\(most.mostEncodings)",
                "points": "\(most.mostPoints)",
            ])
    }

    /// Nothing is served any more.
    func stop() {
        observers.connect(nil)
        engine.stop()
    }
}
