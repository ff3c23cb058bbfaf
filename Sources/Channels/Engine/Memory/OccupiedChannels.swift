import WebSocketCore

/// The channels with subscriptions, by namespace. Any thread, also with a channel's lock held.
final class OccupiedChannels: Sendable {
    private let channels = Lock<[[UInt8]: [ObjectIdentifier: ChannelLog]]>([:])

    func insert(_ log: ChannelLog) {
        channels.withLock { $0[log.address.namespace, default: [:]][ObjectIdentifier(log)] = log }
    }

    func remove(_ log: ChannelLog) {
        channels.withLock { channels in
            channels[log.address.namespace]?[ObjectIdentifier(log)] = nil
            if channels[log.address.namespace]?.isEmpty == true { channels[log.address.namespace] = nil }
        }
    }

    func all(in namespace: [UInt8]) -> [ChannelLog] {
        channels.withLock { channels in channels[namespace].map { Array($0.values) } ?? [] }
    }
}
