/// The unit of limits per address: an IPv4 address, or an IPv6 network of 64 bits, which is what one customer gets.
public enum AddressBlock: Hashable, Sendable {
    /// The address, its first byte the highest.
    case version4(UInt32)
    /// The upper half of the address.
    case version6(UInt64)

    /// Whether it is this machine itself: 127.0.0.0/8, or the network of ::1.
    public var isLoopback: Bool {
        switch self {
        case .version4(let address): return address >> 24 == 127
        case .version6(let network): return network == 0
        }
    }
}
