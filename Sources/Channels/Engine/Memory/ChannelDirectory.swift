import WebSocketCore

/// All channels of a store by their addresses. Any thread; never with a channel's lock held.
final class ChannelDirectory: Sendable {
    /// A part of the addresses with a lock of its own, so that publishers on different threads rarely meet.
    private final class Stripe: Sendable {
        let logs = Lock<[ChannelAddress: ChannelLog]>([:])
    }

    /// A power of 2.
    private static let stripeCount = 64

    private let stripes = (0..<stripeCount).map { _ in Stripe() }

    var count: Int { stripes.reduce(0) { $0 + $1.logs.withLock { $0.count } } }

    subscript(address: ChannelAddress) -> ChannelLog? { stripe(of: address).logs.withLock { $0[address] } }

    /// The channel at an address; `make` makes it if there is none.
    func log(at address: ChannelAddress, _ make: () -> ChannelLog) -> ChannelLog {
        stripe(of: address).logs.withLock { logs in
            if let log = logs[address] { return log }
            let log = make()
            logs[address] = log
            return log
        }
    }

    /// Drops a channel that is gone; by now there may be another one at its address, which stays.
    func remove(_ log: ChannelLog) {
        stripe(of: log.address).logs.withLock { logs in
            if logs[log.address] === log { logs[log.address] = nil }
        }
    }

    /// Those for which `isWanted` holds, by address: what is done to many channels is done in the same order each time.
    func all(where isWanted: (ChannelLog) -> Bool) -> [ChannelLog] {
        stripes
            .flatMap { stripe in stripe.logs.withLock { Array($0.values) }.filter(isWanted) }
            .sorted { left, right in
                left.address.namespace == right.address.namespace
                    ? left.address.name.bytes.lexicographicallyPrecedes(right.address.name.bytes)
                    : left.address.namespace.lexicographicallyPrecedes(right.address.namespace)
            }
    }

    /// Whoever chose names that all go to one stripe would gain nothing but that their publishers wait for each other.
    private func stripe(of address: ChannelAddress) -> Stripe {
        var hash: UInt32 = 2_166_136_261
        for byte in address.name.bytes.suffix(16) { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        return stripes[Int((hash ^ hash >> 16) & UInt32(Self.stripeCount - 1))]
    }
}
