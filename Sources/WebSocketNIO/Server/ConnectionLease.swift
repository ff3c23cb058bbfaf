import WebSocketCore

/// What one connection holds of a server's limits; the object's life is the claim, whichever carrier has the connection.
final class ConnectionLease: ConnectionClaim {
    /// What ``Doorkeeper`` has counted for a connection.
    struct Holding {
        /// It is one of the connections.
        var isCounted = false
        /// It is one of the connections of this address.
        var address: AddressBlock?
        /// It was accepted into the reserve; in the share of this address, once that is known.
        var isReserved = false
        var reservedFor: AddressBlock?
        /// It is one of the WebSockets.
        var isWebSocket = false
        /// It was refused, and its answer is on the way.
        var isLingering = false
    }

    private let doorkeeper: Doorkeeper
    /// Set by the front door before anything else has the lease, and never again.
    nonisolated(unsafe) var clientAddress: String?
    /// The doorkeeper's, under its lock.
    nonisolated(unsafe) var holding: Holding

    init(_ doorkeeper: Doorkeeper, _ holding: Holding) {
        self.doorkeeper = doorkeeper
        self.holding = holding
    }

    deinit { doorkeeper.release(holding) }
}
