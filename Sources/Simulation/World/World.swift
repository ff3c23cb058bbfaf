import Channels
import PusherProtocol

/// Everything that there is in a run.
final class World {
    /// The Unix millisecond at which the run's clock stands at 0.
    static let unixOrigin: UInt64 = 1_700_000_000_000
    /// For so long a node's presence outlives it, in milliseconds.
    static let lease: UInt64 = 4_000

    let scenario: Scenario
    let scheduler: Scheduler
    let truth: Truth
    let audit: Audit
    let host: StoreHost
    let apps: [PusherApp]
    /// Every channel that there may be.
    let addresses: [ChannelAddress]
    var nodes: [SimulatedNode?] = []
    var clients: [SimulatedClient] = []
    var publishers: [SimulatedPublisher] = []
    /// One for each app.
    var historyReaders: [HistoryReader] = []
    /// The faults are over: everybody wants to be there and complete.
    var isSettling = false
    /// Everybody leaves.
    var isEnding = false
    private var random: SeededRandom
    private var numbers = 0

    init(scenario: Scenario, random: SeededRandom, log: ((String) -> Void)?) {
        var random = random
        self.scenario = scenario
        let scheduler = Scheduler(random: random.split(), log: log)
        self.scheduler = scheduler
        truth = Truth(scheduler: scheduler)
        audit = Audit(scheduler: scheduler, truth: truth)
        host = StoreHost(
            scheduler: scheduler, truth: truth,
            options: MemoryStore.Options(
                historyBudget: scenario.hasSmallBudget ? 40_000 : 256 << 20, leaseMilliseconds: Self.lease),
            random: random.split())
        apps = ["1", "2"].map { id in
            var app = PusherApp(
                id: id, name: "app \(id)", keys: [PusherKey(key: "key\(id)", secret: "secret of app \(id)")])
            app.allowsClientEvents = true
            app.tellsSubscriptionCounts = scenario.tellsCounts
            app.retention = scenario.retention
            return app
        }
        addresses = apps.flatMap { app in
            Scenario.channelNames.compactMap { ChannelName(Array($0.utf8)) }
                .map { ChannelAddress(namespace: app.namespace, name: $0) }
        }
        self.random = random
        populate()
    }

    var isLossless: Bool { scenario.isLossless }
    var hasSmallBudget: Bool { scenario.hasSmallBudget }
    var historyBudget: Int { scenario.hasSmallBudget ? 40_000 : 256 << 20 }
    var liveNodes: [SimulatedNode] { nodes.compactMap { $0 } }
    var unixSeconds: UInt64 { (Self.unixOrigin + scheduler.milliseconds) / 1_000 }

    /// A number that nothing else in the run has.
    func nextNumber() -> Int {
        numbers += 1
        return numbers
    }

    /// The socket id of some client of an app.
    func anySocket(of app: PusherApp, _ random: inout SeededRandom) -> [UInt8]? {
        random.pick(clients.filter { $0.app.id == app.id && $0.phase == .connected })?.socketID
    }

    private func populate() {
        for index in 0..<scenario.nodeCount {
            nodes.append(nil)
            startNode(index)
        }
        for number in 0..<scenario.clientCount {
            // The second app's channels have the same names, and nothing to do with the first one's.
            let app = apps[number > 0 && random.chance(200) ? 1 : 0]
            clients.append(client(number, app))
        }
        for (number, app) in apps.enumerated() {
            let channels = addresses.filter { $0.namespace == app.namespace }
            publishers.append(
                SimulatedPublisher(
                    world: self, number: number, app: app, channels: channels, random: random.split()))
            historyReaders.append(
                HistoryReader(world: self, app: app, channels: channels, random: random.split()))
        }
    }

    private func client(_ number: Int, _ app: PusherApp) -> SimulatedClient {
        var subscriptions: [ClientSubscription] = []
        for address in addresses where address.namespace == app.namespace {
            guard random.chance(600), let kind = PusherChannelKind(address.name) else { continue }
            subscriptions.append(
                ClientSubscription(
                    name: address.name.bytes, address: address, kind: kind, wantsPositions: random.chance(650)))
        }
        // Some users have two clients.
        let userNumber = number % 4 == 3 ? number - 1 : number
        let user = Self.user(userNumber)
        var signIn: ClientSignIn?
        if random.chance(500) {
            signIn = ClientSignIn(
                watching: (0..<scenario.clientCount).map(Self.user).filter { _ in random.chance(400) })
        }
        return SimulatedClient(
            world: self, number: number, app: app, user: user, userIsNumber: userNumber % 2 == 0,
            subscriptions: subscriptions, signIn: signIn, random: random.split())
    }

    /// The id of a user, by number.
    static func user(_ number: Int) -> [UInt8] { Array("\(100 + number)".utf8) }

    /// A node begins another life.
    func startNode(_ index: Int) {
        guard nodes[index] == nil else { return }
        nodes[index] = SimulatedNode(
            world: self, process: SimulatedProcess(index: index), shardCount: random.within(1...2),
            isLossless: isLossless, random: random.split())
    }

    func killNode(_ index: Int) {
        nodes[index]?.kill()
        nodes[index] = nil
    }

    /// Lets go of everything, so that nothing of a run stays in memory.
    func dispose() {
        for index in nodes.indices { killNode(index) }
        for client in clients { client.dispose() }
        clients = []
        publishers = []
        historyReaders = []
        scheduler.dispose()
    }
}

@available(*, unavailable)
extension World: Sendable {}
