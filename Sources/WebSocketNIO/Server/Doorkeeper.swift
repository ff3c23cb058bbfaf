import NIOConcurrencyHelpers
import NIOCore
import WebSocketCore

/// Decides who is let in by address and by rate. Any thread.
final class Doorkeeper: Sendable {
    enum Decision {
        /// It may stay; the lease, where connections of its address are counted, has to be kept until it has ended.
        case admitted(AddressLease?)
        /// It is told to come back later.
        case busy
        /// It is closed without a word.
        case refused(AcceptRefusal.Reason)

        /// The limit that the connection met, if any.
        var refusal: AcceptRefusal.Reason? {
            switch self {
            case .admitted: return nil
            case .busy: return .rate
            case .refused(let reason): return reason
            }
        }
    }

    private struct State {
        /// Connections by address; who has none has no entry.
        var open: [AddressBlock: Int] = [:]
        var admissions = TokenBucket()
        var answers = TokenBucket()
    }

    private let limits: AcceptLimits
    private let rate: TokenBucket.Rate?
    private let state = NIOLockedValueBox(State())

    /// `nil` when the limits ask for nobody at the door.
    init?(_ limits: AcceptLimits) {
        guard limits.maximumConnectionsPerAddress != nil || limits.connectionsPerSecond != nil else { return nil }
        self.limits = limits
        rate = limits.connectionsPerSecond.map {
            TokenBucket.Rate(perSecond: UInt32(clamping: $0), burst: UInt32(clamping: limits.connectionBurst))
        }
    }

    /// A connection has come.
    func decide(_ address: SocketAddress?, now: NIODeadline = .now()) -> Decision {
        let now = MonotonicInstant(milliseconds: now.uptimeNanoseconds / 1_000_000)
        let counted = address.flatMap { countedBlock($0) }
        let decision = state.withLockedValue { state in
            // The address first: what one address has too much of does not take from what others have.
            if let counted, let limit = limits.maximumConnectionsPerAddress, state.open[counted, default: 0] >= limit {
                return Decision.refused(.addressLimit)
            }
            if let rate, !state.admissions.take(rate, now: now) {
                return state.answers.take(rate, now: now) ? .busy : .refused(.flood)
            }
            if let counted { state.open[counted, default: 0] += 1 }
            return .admitted(nil)
        }
        if case .admitted = decision, let counted { return .admitted(AddressLease(self, counted)) }
        return decision
    }

    /// A connection that was counted has ended.
    func hasLeft(_ address: AddressBlock) {
        state.withLockedValue { state in
            guard let count = state.open[address] else { return }
            state.open[address] = count > 1 ? count - 1 : nil
        }
    }

    /// How many addresses have connections.
    var addressCount: Int { state.withLockedValue { $0.open.count } }

    private func countedBlock(_ address: SocketAddress) -> AddressBlock? {
        guard limits.maximumConnectionsPerAddress != nil, let block = AddressBlock(address) else { return nil }
        return block.isLoopback && !limits.limitsLoopback ? nil : block
    }
}
