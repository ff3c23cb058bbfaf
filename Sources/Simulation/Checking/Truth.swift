import Channels

/// What really happened, as far as the store is concerned: every commit in its order. What nodes, clients and publishers
/// are told is held against it.
final class Truth {
    /// What became of a request.
    struct Commit {
        let positions: [Position]
        let addresses: [ChannelAddress]
        let names: [PayloadName?]
        let life: Int
    }

    let scheduler: Scheduler
    private(set) var channels: [ChannelAddress: ChannelTruth] = [:]
    /// By number of request; once more for each life of the store in which it was kept.
    private(set) var commits: [Int: [Commit]] = [:]
    /// Which request an idempotency key stands for, in the present life of the store.
    private var keys: [[UInt8]: Int] = [:]
    /// How often the store was lost.
    private(set) var life = 0
    /// Channels in which something has happened since they were last looked at.
    var touched: [ChannelAddress] = []

    init(scheduler: Scheduler) { self.scheduler = scheduler }

    /// The store has lost everything.
    func storeWasLost() {
        life += 1
        keys = [:]
    }

    /// The store has answered a publish.
    func published(_ request: PublishRequest, _ result: Result<[Position], EngineError>, at time: UInt64) {
        guard let number = request.entries.first.flatMap({ PayloadName($0.publication.data) })?.request else { return }
        let key = request.idempotency?.key
        guard case .success(let positions) = result else {
            if case .failure(.keyWasUsed) = result, let key {
                scheduler.check(
                    keys[key].map { $0 != number } ?? false, .onePublicationForKey,
                    "the store refuses request \(number) although its key stands for no other")
            }
            return
        }
        guard positions.count == request.entries.count else {
            return scheduler.report(
                .allOrNothing,
                "request \(number) has \(request.entries.count) entries and got \(positions.count) positions")
        }
        if let commit = commits[number]?.last, commit.life == life {
            // Requests are sent twice only with a key.
            return scheduler.check(
                commit.positions == positions, .onePublicationForKey,
                "request \(number) stands at \(words(commit.positions)) and, repeated, at \(words(positions))")
        }
        if let key {
            let former = keys[key]
            scheduler.check(
                former == nil, .onePublicationForKey,
                "requests \(former ?? 0) and \(number) were both kept, under one key")
            keys[key] = number
        }
        let addresses = request.entries.map { ChannelAddress(namespace: request.namespace, name: $0.channel) }
        commits[number, default: []].append(
            Commit(
                positions: positions, addresses: addresses,
                names: request.entries.map { PayloadName($0.publication.data) }, life: life))
        for (index, entry) in request.entries.enumerated() {
            append(entry, at: positions[index], to: addresses[index], time)
        }
    }

    private func append(
        _ entry: PublishRequest.Entry, at position: Position, to address: ChannelAddress, _ time: UInt64
    ) {
        guard let name = PayloadName(entry.publication.data) else { return }
        learn(position.epoch, of: address)
        var channel = channels[address] ?? ChannelTruth()
        let top = channel.logs[position.epoch]?.count ?? 0
        scheduler.check(
            position.offset == UInt64(top) + 1, .denseOffsets,
            "\(words(address)) has \(top) publications, and the next was kept at \(position.offset)")
        channel.retention = entry.retention
        channels[address] = nil
        channel.logs[position.epoch, default: []].append(
            ChannelTruth.Record(name: name, publication: entry.publication, time: time))
        channels[address] = channel
        touched.append(address)
    }

    /// Somebody was told that this is the epoch of a channel's log, by the store of the present life.
    func learn(_ epoch: Epoch, of address: ChannelAddress) {
        let channel = channels[address] ?? ChannelTruth()
        guard channel.epoch != epoch else { return }
        scheduler.check(
            channel.epoch == nil || channel.life != life, .denseOffsets,
            "the epoch of \(words(address)) has changed, and nothing was lost")
        scheduler.check(
            channel.logs[epoch] == nil, .onePayloadEach, "an epoch of \(words(address)) has come back")
        channels[address, default: ChannelTruth()].epoch = epoch
        channels[address, default: ChannelTruth()].life = life
        channels[address, default: ChannelTruth()].logs[epoch] = []
    }

    /// Whether a channel has ever had the epoch.
    func knows(_ epoch: Epoch, of address: ChannelAddress) -> Bool { channels[address]?.logs[epoch] != nil }

    /// How many publications an epoch of a channel has.
    func top(_ address: ChannelAddress, in epoch: Epoch) -> UInt64 {
        UInt64(channels[address]?.logs[epoch]?.count ?? 0)
    }

    /// The present top; `nil` when nothing is known of the channel.
    func top(_ address: ChannelAddress) -> Position? {
        guard let channel = channels[address], let epoch = channel.epoch else { return nil }
        return Position(epoch: epoch, offset: channel.top)
    }

    /// Where a payload stands in a channel, once for each life of the store; empty when it was never kept there.
    func positions(of name: PayloadName, in address: ChannelAddress) -> [Position] {
        (commits[name.request] ?? []).compactMap { commit in
            commit.positions.indices.first { commit.names[$0] == name && commit.addresses[$0] == address }
                .map { commit.positions[$0] }
        }
    }

    func record(_ address: ChannelAddress, at position: Position) -> ChannelTruth.Record? {
        channels[address]?.record(at: position)
    }
}

/// `namespace/name`, for messages.
func words(_ address: ChannelAddress) -> String {
    String(decoding: address.namespace + [0x2F] + address.name.bytes, as: UTF8.self)
}

/// `epoch:offset`, for messages.
func words(_ position: Position?) -> String {
    guard let position else { return "nowhere" }
    var text: [UInt8] = []
    position.append(to: &text)
    return String(decoding: text, as: UTF8.self)
}

func words(_ positions: [Position]) -> String { positions.map { words($0) }.joined(separator: ", ") }

@available(*, unavailable)
extension Truth: Sendable {}
