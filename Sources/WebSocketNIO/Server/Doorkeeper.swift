import NIOConcurrencyHelpers
import NIOCore
import WebSocketCore

/// Counts a server's connections: in all, of an address, WebSockets, and how fast they come. Any thread.
final class Doorkeeper: Sendable {
    /// What an accepted connection gets.
    enum Decision {
        /// It stays. The lease has to live as long as the connection; `nil` when nothing is limited.
        case admitted(ConnectionLease?)
        /// It stays, if it sends a whole head soon: it has a place of the reserve.
        case reserved(ConnectionLease)
        /// It is answered with 503.
        case answered(AcceptRefusal.Reason, ConnectionLease)
        /// It is closed at once: too many are being answered already.
        case closed(AcceptRefusal.Reason)
    }

    /// Refusals that are answered: a second, and at once after a pause.
    static let answersPerSecond: UInt32 = 50

    private struct State {
        /// Accepted connections that have not ended, without those that linger.
        var connections = 0
        var webSockets = 0
        var lingering = 0
        /// Connections by address, where there are any.
        var open: [AddressBlock: Int] = [:]
        /// Those in the reserve.
        var reserved: [AddressBlock: Int] = [:]
        var admissions = TokenBucket()
        /// New connections by address since that second began, as many addresses as admissions.
        var recent: [AddressBlock: Int] = [:]
        var recentSince = MonotonicInstant(milliseconds: 0)
        var answers = TokenBucket()
    }

    /// `nil` for any number of connections.
    let capacity: DoorCapacity?
    private let limits: AcceptLimits
    /// What one address may have. At most half of the WebSockets if descriptors limit them, or if the limits say so.
    private let perAddress: Int?
    private let proxies: TrustedProxies
    private let rate: TokenBucket.Rate?
    /// New connections of one address in a second; any number where addresses are not counted.
    private let ratePerAddress: Int
    private let answerRate = TokenBucket.Rate(perSecond: answersPerSecond, burst: answersPerSecond)
    private let state = NIOLockedValueBox(State())

    /// - Parameter descriptors: the connections that the process may open; `nil` when that is not known.
    init(_ limits: AcceptLimits, proxies: TrustedProxies = TrustedProxies(), descriptors: Int? = nil) {
        self.limits = limits
        self.proxies = proxies
        capacity = limits.maximumConnections.map { DoorCapacity(limit: $0, descriptors: descriptors) }
        let isShort = descriptors != nil && capacity.map { $0.webSockets < limits.maximumConnections ?? .max } ?? false
        let half = isShort || limits.limitsAddressToHalf ? max(1, (capacity?.webSockets ?? .max) / 2) : .max
        perAddress = limits.maximumConnectionsPerAddress.map { min($0, half) }
        ratePerAddress = perAddress == nil ? .max : limits.connectionsPerSecond.map { max(1, $0 / 2) } ?? .max
        rate = limits.connectionsPerSecond.map {
            TokenBucket.Rate(perSecond: UInt32(clamping: $0), burst: UInt32(clamping: limits.connectionBurst))
        }
    }

    // MARK: - Accepting

    /// The listener has accepted a connection, which ``decide(_:now:)`` is asked about next; whether there is room for
    /// another one.
    func arrived() -> Bool {
        guard let capacity else { return true }
        return state.withLockedValue { state in
            state.connections += 1
            return state.connections < capacity.total
        }
    }

    /// Whether the listener may accept.
    var hasRoom: Bool { room > 0 }

    /// How many connections the listener may accept.
    var room: Int {
        guard let capacity else { return .max }
        return state.withLockedValue { capacity.total - $0.connections }
    }

    /// Decides about a connection that has arrived. The address of a trusted proxy is not counted: its clients' are, with
    /// each request.
    func decide(_ peer: SocketAddress?, now: NIODeadline = .now()) -> Decision {
        let instant = Self.instant(now)
        let address = peer.flatMap { IPAddress($0) }
        let isTrusted = address.map { proxies.trusts($0) } ?? false
        let block = isTrusted ? nil : address.flatMap { countedBlock($0, isPeer: true) }
        return state.withLockedValue { state in
            // The address first: what one address has too much of does not take from what others have.
            if let block, isFull(block, state) { return refuse(.addressLimit, &state, instant) }
            if let block, !isSlowEnough(block, &state, instant) { return refuse(.rate, &state, instant) }
            if let rate, !state.admissions.take(rate, now: instant) { return refuse(.rate, &state, instant) }
            if let block, rate != nil { state.recent[block, default: 0] += 1 }
            var holding = ConnectionLease.Holding()
            holding.isCounted = capacity != nil
            if let capacity, state.connections > capacity.webSockets {
                holding.isReserved = true
                if let block, !takeShare(block, capacity, &state, &holding) { return refuse(.reserve, &state, instant) }
            }
            if let block, perAddress != nil {
                state.open[block, default: 0] += 1
                holding.address = block
            }
            if holding.isReserved { return .reserved(ConnectionLease(self, holding)) }
            let isLimited = holding.isCounted || holding.address != nil || isTrusted
            return .admitted(isLimited ? ConnectionLease(self, holding) : nil)
        }
    }

    private func refuse(_ reason: AcceptRefusal.Reason, _ state: inout State, _ now: MonotonicInstant) -> Decision {
        if capacity != nil { state.connections -= 1 }
        guard mayAnswer(&state, now) else { return .closed(reason) }
        var holding = ConnectionLease.Holding()
        holding.isLingering = true
        return .answered(reason, ConnectionLease(self, holding))
    }

    private func mayAnswer(_ state: inout State, _ now: MonotonicInstant) -> Bool {
        guard state.lingering < capacity?.lingering ?? 100, state.answers.take(answerRate, now: now) else {
            return false
        }
        state.lingering += 1
        return true
    }

    // MARK: - Requests

    /// A request has come through a trusted proxy: counts its client until ``endRequest(_:)``, or as long as the
    /// connection lives if that becomes a WebSocket.
    ///
    /// - Parameters:
    ///   - address: the client's.
    ///   - isPeer: whether that is the address of the socket, since the proxy named no other.
    /// - Returns: the limit that refuses it.
    func beginRequest(_ lease: ConnectionLease, of address: IPAddress, isPeer: Bool) -> AcceptRefusal.Reason? {
        guard let block = countedBlock(address, isPeer: isPeer) else { return nil }
        return state.withLockedValue { state in
            uncountAddress(&state, &lease.holding)
            if isFull(block, state) { return .addressLimit }
            if let capacity, lease.holding.isReserved, !takeShare(block, capacity, &state, &lease.holding) {
                return .reserve
            }
            if perAddress != nil {
                state.open[block, default: 0] += 1
                lease.holding.address = block
            }
            return nil
        }
    }

    /// The request was answered: its client is not counted any longer.
    func endRequest(_ lease: ConnectionLease) {
        state.withLockedValue { uncountAddress(&$0, &lease.holding) }
    }

    /// The address that a connection is currently counted by, if any.
    func countedAddress(of lease: ConnectionLease) -> AddressBlock? {
        state.withLockedValue { _ in lease.holding.address }
    }

    /// Counts a connection among the WebSockets from now on; `false` when there are as many as may be.
    func becomeWebSocket(_ lease: ConnectionLease) -> Bool {
        guard let capacity else { return true }
        return state.withLockedValue { state in
            guard state.webSockets < capacity.webSockets else { return false }
            state.webSockets += 1
            lease.holding.isWebSocket = true
            lease.holding.isReserved = false
            giveShareBack(&state, &lease.holding)
            return true
        }
    }

    /// A connection is refused after its accept: it leaves its place to others.
    ///
    /// - Returns: what to keep until the answer was taken; `nil` when the connection has to be closed at once.
    func refuse(_ lease: ConnectionLease?, now: NIODeadline = .now()) -> ConnectionLease? {
        state.withLockedValue { state in
            guard mayAnswer(&state, Self.instant(now)) else { return nil }
            let lease = lease ?? ConnectionLease(self, ConnectionLease.Holding())
            uncount(&state, &lease.holding)
            lease.holding.isLingering = true
            return lease
        }
    }

    // MARK: - Ends

    /// A connection has ended.
    func release(_ holding: ConnectionLease.Holding) {
        state.withLockedValue { state in
            var holding = holding
            uncount(&state, &holding)
        }
    }

    /// How many addresses have connections.
    var addressCount: Int { state.withLockedValue { $0.open.count } }

    // MARK: - Counting

    private static func instant(_ now: NIODeadline) -> MonotonicInstant {
        MonotonicInstant(milliseconds: now.uptimeNanoseconds / 1_000_000)
    }

    /// What an address counts as; `nil` for this machine's own sockets, unless they are limited, too. An address that a
    /// header names is never exempt.
    private func countedBlock(_ address: IPAddress, isPeer: Bool) -> AddressBlock? {
        guard perAddress != nil || capacity != nil else { return nil }
        let block = AddressBlock(address)
        return isPeer && block.isLoopback && !limits.limitsLoopback ? nil : block
    }

    private func isFull(_ block: AddressBlock, _ state: State) -> Bool {
        perAddress.map { state.open[block, default: 0] >= $0 } ?? false
    }

    /// Whether an address has opened less than half of what may be opened in a second: nobody opens connections so fast
    /// that no others get in.
    private func isSlowEnough(_ block: AddressBlock, _ state: inout State, _ now: MonotonicInstant) -> Bool {
        if now.since(state.recentSince) >= 1_000 {
            state.recentSince = now
            state.recent.removeAll(keepingCapacity: state.recent.capacity <= 1_024)
        }
        return state.recent[block, default: 0] < ratePerAddress
    }

    private func takeShare(
        _ block: AddressBlock, _ capacity: DoorCapacity, _ state: inout State, _ holding: inout ConnectionLease.Holding
    ) -> Bool {
        guard state.reserved[block, default: 0] < capacity.share else { return false }
        state.reserved[block, default: 0] += 1
        holding.reservedFor = block
        return true
    }

    private func giveShareBack(_ state: inout State, _ holding: inout ConnectionLease.Holding) {
        if let block = holding.reservedFor { Self.decrease(&state.reserved, block) }
        holding.reservedFor = nil
    }

    private func uncountAddress(_ state: inout State, _ holding: inout ConnectionLease.Holding) {
        if let block = holding.address { Self.decrease(&state.open, block) }
        holding.address = nil
        giveShareBack(&state, &holding)
    }

    private func uncount(_ state: inout State, _ holding: inout ConnectionLease.Holding) {
        uncountAddress(&state, &holding)
        if holding.isCounted { state.connections -= 1 }
        if holding.isWebSocket { state.webSockets -= 1 }
        if holding.isLingering { state.lingering -= 1 }
        holding = ConnectionLease.Holding()
    }

    private static func decrease(_ counts: inout [AddressBlock: Int], _ block: AddressBlock) {
        guard let count = counts[block] else { return assertionFailure("an address was not counted") }
        counts[block] = count > 1 ? count - 1 : nil
    }
}

extension Doorkeeper.Decision {
    /// The limit that the connection met, if any.
    var refusal: AcceptRefusal.Reason? {
        switch self {
        case .admitted, .reserved: return nil
        case .answered(let reason, _), .closed(let reason): return reason
        }
    }

    /// What has to live as long as the connection.
    var lease: ConnectionLease? {
        switch self {
        case .admitted(let lease): return lease
        case .reserved(let lease), .answered(_, let lease): return lease
        case .closed: return nil
        }
    }
}
