import Channels

/// The port's calls as a test writes them down, one after the other.
extension Engine {
    func publish(_ request: PublishRequest) async throws -> [Position] {
        try await withCheckedContinuation { waiting in publish(request) { waiting.resume(returning: $0) } }.get()
    }

    func open(_ channel: ChannelAddress, sink: any ChannelSink) async throws -> Position {
        try await withCheckedContinuation { waiting in
            open(channel, sink: sink) { waiting.resume(returning: $0) }
        }.get()
    }

    func history(_ channel: ChannelAddress, since offset: UInt64? = 0, limit: Int = 300) async throws -> HistoryPage {
        try await withCheckedContinuation { waiting in
            history(channel, since: offset, limit: limit) { waiting.resume(returning: $0) }
        }.get()
    }

    func newest(_ channel: ChannelAddress) async throws -> HistoryPage.Entry? {
        try await withCheckedContinuation { waiting in newest(channel) { waiting.resume(returning: $0) } }.get()
    }

    func enter(
        _ channel: ChannelAddress, _ identity: Identity, through connection: ConnectionID, maximum: Int = 1_000
    ) async throws -> PresenceSnapshot {
        try await withCheckedContinuation { waiting in
            enter(channel, identity: identity, connection: connection, maximumMembers: maximum) {
                waiting.resume(returning: $0)
            }
        }.get()
    }

    func members(_ channel: ChannelAddress) async throws -> PresenceSnapshot {
        try await withCheckedContinuation { waiting in members(channel) { waiting.resume(returning: $0) } }.get()
    }

    func occupancy(_ channel: ChannelAddress) async throws -> Occupancy {
        try await withCheckedContinuation { waiting in occupancy(channel) { waiting.resume(returning: $0) } }.get()
    }

    /// The occupied channels by their names.
    func channels(in namespace: String, prefix: String = "") async throws -> [String: Occupancy] {
        let found = try await withCheckedContinuation { waiting in
            channels(in: Array(namespace.utf8), prefix: Array(prefix.utf8)) { waiting.resume(returning: $0) }
        }.get()
        return try Dictionary(
            found.map { (String(decoding: $0.name.bytes, as: UTF8.self), $0.occupancy) },
            uniquingKeysWith: { _, _ in throw TwoOfOneName() })
    }

    /// Publishes one text.
    @discardableResult
    func say(
        _ text: String, to channel: ChannelAddress, keeping retention: Retention = Retention()
    ) async throws -> Position {
        let positions = try await publish(
            PublishRequest(
                namespace: channel.namespace,
                entries: [
                    PublishRequest.Entry(
                        channel: channel.name, publication: Publication(text), retention: retention)
                ]))
        guard positions.count == 1 else { throw WrongNumberOfPositions() }
        return positions[0]
    }
}

private struct TwoOfOneName: Error {}
private struct WrongNumberOfPositions: Error {}

extension ChannelAddress {
    /// A channel in the namespace `app`, unless said otherwise.
    init(_ name: String, in namespace: String = "app") throws {
        struct NoName: Error {}
        guard let name = ChannelName(Array(name.utf8)) else { throw NoName() }
        self.init(namespace: Array(namespace.utf8), name: name)
    }
}

extension Publication {
    init(_ text: String) { self.init(data: Array(text.utf8)) }

    var text: String { String(decoding: data, as: UTF8.self) }
}

extension Identity {
    init(_ id: String, _ details: String = "") { self.init(id: Array(id.utf8), details: Array(details.utf8)) }

    var name: String { String(decoding: id, as: UTF8.self) }
}

extension HistoryPage {
    var texts: [String] { entries.map(\.publication.text) }
    var offsets: [UInt64] { entries.map(\.offset) }
}

extension PresenceSnapshot {
    var names: [String] { members.map(\.name) }
}
