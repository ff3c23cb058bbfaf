import WebSocketCore

@testable import Channels

/// An engine whose answers come when the test says so, and which tells sinks only what the test has it tell: one log,
/// one list of members, no matter which channel. Used on one thread.
final class ScriptedEngine: Engine, @unchecked Sendable {
    let isLossless: Bool
    var epoch = Epoch(rawValue: 7)
    /// Everything that was ever published, the first at offset 1.
    var log: [String] = []
    /// Offsets below it are not kept any more.
    var oldest: UInt64 = 1
    var members: [Identity] = []
    var version: UInt64 = 0
    /// What the next calls answer instead of their answers.
    var failure: EngineError?
    private(set) var sink: (any ChannelSink)?
    private(set) var calls: [String] = []
    private var answers: [() -> Void] = []

    init(isLossless: Bool = false) { self.isLossless = isLossless }

    var top: Position { Position(epoch: epoch, offset: UInt64(log.count)) }

    /// Gives an answer that is due, the oldest one or one that overtakes it; `false` when there is none.
    @discardableResult
    func answer(_ index: Int = 0) -> Bool {
        guard answers.indices.contains(index) else { return false }
        answers.remove(at: index)()
        return true
    }

    /// Gives every answer that is due, and turns the loop, until nothing is left to do.
    func settle(_ loop: ManualLoop) {
        repeat { loop.shard.drain() } while answer()
    }

    /// Adds to the log without telling the sink.
    func append(_ text: String) { log.append(text) }

    /// Tells the sink of what stands at an offset.
    func tell(_ offset: UInt64) {
        sink?.received(publication(offset), at: Position(epoch: epoch, offset: offset))
    }

    func publication(_ offset: UInt64) -> Publication { Publication(data: Array(log[Int(offset) - 1].utf8)) }

    private func later<Value>(
        _ call: String, _ completion: @escaping (Result<Value, EngineError>) -> Void, _ value: @escaping () -> Value
    ) {
        calls.append(call)
        if let failure { return answers.append { completion(.failure(failure)) } }
        answers.append { completion(.success(value())) }
    }

    func publish(_ request: PublishRequest, completion: @escaping @Sendable (Result<[Position], EngineError>) -> Void) {
        later("publish", completion) { [self] in
            for entry in request.entries { log.append(String(decoding: entry.publication.data, as: UTF8.self)) }
            return [top]
        }
    }

    func relay(_ publication: Publication, to channel: ChannelAddress) { sink?.relayed(publication) }

    func open(
        _ channel: ChannelAddress, sink: any ChannelSink,
        completion: @escaping @Sendable (Result<Position, EngineError>) -> Void
    ) {
        self.sink = sink
        later("open", completion) { [self] in top }
    }

    func report(subscriptions: Int, version: UInt64, to channel: ChannelAddress, sink: any ChannelSink) {
        calls.append("report \(subscriptions)")
    }

    func close(_ channel: ChannelAddress, sink: any ChannelSink) { calls.append("close") }

    func history(
        _ channel: ChannelAddress, since offset: UInt64?, limit: Int,
        completion: @escaping @Sendable (Result<HistoryPage, EngineError>) -> Void
    ) {
        later("history \(offset.map { "\($0)" } ?? "newest") \(limit)", completion) { [self] in
            var offsets = (oldest..<max(oldest, top.offset + 1)).filter { $0 > offset ?? 0 }
            offsets = Array(offset == nil ? offsets.suffix(limit) : offsets.prefix(limit))
            return HistoryPage(
                entries: offsets.map { HistoryPage.Entry(offset: $0, publication: publication($0), age: 0) }, top: top,
                oldest: oldest)
        }
    }

    func newest(
        _ channel: ChannelAddress, completion: @escaping @Sendable (Result<HistoryPage.Entry?, EngineError>) -> Void
    ) {
        later("newest", completion) { [self] in
            top.offset < oldest
                ? nil : HistoryPage.Entry(offset: top.offset, publication: publication(top.offset), age: 0)
        }
    }

    func enter(
        _ channel: ChannelAddress, identity: Identity, connection: ConnectionID, maximumMembers: Int,
        completion: @escaping @Sendable (Result<PresenceSnapshot, EngineError>) -> Void
    ) {
        if failure == nil, !members.contains(identity) {
            members.append(identity)
            version += 1
        }
        let snapshot = PresenceSnapshot(members: members, version: version)
        later("enter", completion) { snapshot }
    }

    func leave(_ channel: ChannelAddress, connection: ConnectionID) { calls.append("leave") }

    func members(
        _ channel: ChannelAddress, completion: @escaping @Sendable (Result<PresenceSnapshot, EngineError>) -> Void
    ) {
        later("members", completion) { [self] in PresenceSnapshot(members: members, version: version) }
    }

    func occupancy(
        _ channel: ChannelAddress, completion: @escaping @Sendable (Result<Occupancy, EngineError>) -> Void
    ) {
        later("occupancy", completion) { [self] in Occupancy(subscriptions: 0, users: members.count) }
    }

    func channels(
        in namespace: [UInt8], prefix: [UInt8],
        completion: @escaping @Sendable (Result<[(name: ChannelName, occupancy: Occupancy)], EngineError>) -> Void
    ) {
        later("channels", completion) { [] }
    }

    func tick() {}

    func stop() {}
}
