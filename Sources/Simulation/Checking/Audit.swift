import Channels
import PusherProtocol
import WebSocketCore

/// Looks after the invariants that are not a client's or a publisher's to see: what is kept, who is present, what is
/// counted, how much of everything there is.
final class Audit {
    /// An event that a client has sent to others.
    struct ClientEvent {
        let address: ChannelAddress
        /// The identity that the app has signed, on presence channels.
        let user: [UInt8]?
        /// The connection that has sent it.
        let socket: [UInt8]
    }

    let scheduler: Scheduler
    let truth: Truth
    /// By name; every one that was ever sent.
    var clientEvents: [ClientEventName: ClientEvent] = [:]
    /// What has been observed in the store's present life.
    private var occupied: Set<ChannelAddress> = []
    private var members: [ChannelAddress: Set<[UInt8]>] = [:]
    private var counts: [ChannelAddress: Int] = [:]
    private var reportedClientEvents: Set<ClientEventName> = []

    init(scheduler: Scheduler, truth: Truth) {
        self.scheduler = scheduler
        self.truth = truth
    }

    func storeWasLost() {
        occupied = []
        members = [:]
        counts = [:]
    }

    // MARK: What the store observes

    /// The store has told one of its nodes of something that happened.
    func observed(_ event: DomainEvent, in address: ChannelAddress) {
        let place = words(address)
        switch event {
        case .occupied:
            scheduler.check(occupied.insert(address).inserted, .presence, "\(place) was occupied twice")
        case .vacated:
            scheduler.check(occupied.remove(address) != nil, .presence, "\(place) was vacated twice")
        case .memberAdded(let identity):
            scheduler.check(
                members[address, default: []].insert(identity.id).inserted, .presence,
                "\(String(decoding: identity.id, as: UTF8.self)) was added to \(place) twice")
        case .memberRemoved(let identity):
            scheduler.check(
                members[address, default: []].remove(identity.id) != nil, .presence,
                "\(String(decoding: identity.id, as: UTF8.self)) was removed from \(place) twice")
        case .subscriptionCount(let count):
            scheduler.check(count >= 0, .presence, "\(place) has \(count) subscriptions")
            counts[address] = count
        case .clientEvent, .cacheMiss: scheduler.report(.wire, "the store tells of what clients do")
        }
    }

    /// A node has told those who listen.
    func reported(_ event: DomainEvent, in channel: ChannelName, of app: PusherApp.ID) {
        scheduler.check(
            !PusherChannelNames.isReserved(channel), .authorisation, "an event of a reserved channel was reported")
        guard case .clientEvent(let publication, _) = event else { return }
        guard let name = ClientEventName(publication.data), let sent = clientEvents[name] else {
            return scheduler.report(.wire, "a client event was reported that nobody has sent")
        }
        scheduler.check(
            sent.address.name == channel, .authorisation, "a client event was reported in another channel")
        scheduler.check(
            reportedClientEvents.insert(name).inserted, .deliveryOrder, "a client event was reported twice")
    }

    /// Everything that was occupied has been vacated, and everybody that was added has been removed.
    func checkNothingIsObserved() {
        scheduler.check(
            occupied.isEmpty, .presence, "\(occupied.map { words($0) }.sorted()) were never vacated")
        for (address, members) in members {
            scheduler.check(
                members.isEmpty, .presence, "\(members.count) members of \(words(address)) were never removed")
        }
        scheduler.check(counts.values.allSatisfy { $0 == 0 }, .presence, "a count that was told last is not 0")
    }

    // MARK: What the store keeps

    /// After a step: what it has changed, and now and then something else.
    func check(_ world: World) {
        if !truth.touched.isEmpty {
            for address in truth.touched { checkLog(address, world) }
            truth.touched = []
        }
        if scheduler.steps % 64 == 0 {
            checkBounds(world)
            if let address = world.addresses.element(at: scheduler.steps / 64 % max(1, world.addresses.count)) {
                checkLog(address, world)
            }
        }
    }

    /// What is kept of a channel is the end of what was published there, as long as it has to be.
    func checkLog(_ address: ChannelAddress, _ world: World) {
        guard let page = world.host.audit(address), let channel = truth.channels[address] else { return }
        let place = words(address)
        truth.learn(page.top.epoch, of: address)
        guard channel.life == truth.life, channel.epoch == page.top.epoch else {
            return scheduler.check(
                page.top.offset == 0, .denseOffsets, "\(place) begins its epoch with \(page.top.offset) publications")
        }
        scheduler.check(
            page.top.offset == channel.top, .acknowledgedIsKept,
            "\(place) has \(channel.top) publications, and its top is \(page.top.offset)")
        if !world.hasSmallBudget {
            let due = channel.oldestToKeep(at: world.host.milliseconds)
            scheduler.check(
                page.oldest <= due, .acknowledgedIsKept,
                "\(place) has to keep everything from \(due) on, and keeps it from \(page.oldest) on")
        }
        scheduler.check(
            page.entries.first.map { $0.offset == page.oldest } ?? (page.oldest == page.top.offset + 1),
            .acknowledgedIsKept, "\(place) names \(page.oldest) as its oldest, and does not have it")
        var expected = page.oldest
        var bytes = 0
        for entry in page.entries {
            let record = channel.record(at: Position(epoch: page.top.epoch, offset: entry.offset))
            scheduler.check(
                entry.offset == expected && record?.publication.data == entry.publication.data,
                .onePayloadEach, "\(place) keeps something else at \(entry.offset)")
            expected += 1
            bytes += entry.publication.keptBytes
        }
        scheduler.check(
            expected == page.top.offset + 1, .acknowledgedIsKept, "\(place) does not keep its end, from \(expected) on")
        let keepsNewest = channel.retention.newestMilliseconds > 0
        scheduler.check(
            page.entries.count <= max(channel.retention.publications, keepsNewest ? 1 : 0)
                && (bytes <= channel.retention.bytes || keepsNewest && page.entries.count == 1), .bounds,
            "\(place) keeps \(page.entries.count) publications of \(bytes) bytes")
    }

    // MARK: How much there is

    private func checkBounds(_ world: World) {
        scheduler.check(
            world.host.keptBytes <= world.historyBudget + 8_192, .bounds,
            "all histories together have \(world.host.keptBytes) bytes")
        for bound in Bound.allCases {
            scheduler.check(
                bound.mostSeen <= bound.limit, .bounds, "\(bound) went up to \(bound.mostSeen) of \(bound.limit)")
        }
        for node in world.nodes.compactMap({ $0 }) {
            for connection in node.connections where !connection.isClosed {
                scheduler.check(
                    connection.pendingBytes <= SimulatedConnection.limits.maximumPendingBytes + 65_536, .bounds,
                    "\(connection.pendingBytes) bytes wait for one client")
            }
            for runtime in node.pusher.runtimes {
                scheduler.check(
                    runtime.connectionCount <= node.connections.count, .bounds,
                    "\(runtime.connectionCount) connections are counted, and there are \(node.connections.count)")
            }
        }
    }
}

extension Array {
    func element(at index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}

@available(*, unavailable)
extension Audit: Sendable {}
