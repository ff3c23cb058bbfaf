/// Counts a connection among those of its address for as long as this object lives: until the connection has ended,
/// whoever carries it.
final class AddressLease: Sendable {
    private let doorkeeper: Doorkeeper
    private let address: AddressBlock

    /// One that ``Doorkeeper`` has counted.
    init(_ doorkeeper: Doorkeeper, _ address: AddressBlock) {
        self.doorkeeper = doorkeeper
        self.address = address
    }

    deinit { doorkeeper.hasLeft(address) }
}
