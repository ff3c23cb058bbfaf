/// What counts as one address: an IPv4 address, or an IPv6 network of 64 bits, which is what one customer gets.
enum AddressBlock: Hashable, Sendable {
    case version4(UInt32)
    case version6(UInt64)

    init(_ address: IPAddress) {
        switch address {
        case .version4(let address): self = .version4(address)
        case .version6(let high, _): self = .version6(high)
        }
    }

    /// Whether it is this machine itself: 127.0.0.0/8, or the network of ::1.
    var isLoopback: Bool {
        switch self {
        case .version4(let address): return address >> 24 == 127
        case .version6(let network): return network == 0
        }
    }
}
