import NIOCore

/// What counts as one address: an IPv4 address, or an IPv6 network of 64 bits, which is what one customer gets.
enum AddressBlock: Hashable, Sendable {
    case version4(UInt32)
    case version6(UInt64)

    /// `nil` for an address that is none of the internet's.
    init?(_ address: SocketAddress) {
        let block = address.withSockAddr { pointer, count -> AddressBlock? in
            let bytes = UnsafeRawBufferPointer(start: pointer, count: count)
            switch address {
            case .v4:
                guard count >= 8 else { return nil }
                return .version4(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
            case .v6:
                guard count >= 24 else { return nil }
                let high = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
                let low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
                // RFC 4291 §2.5.5.2: an IPv4 address as a listener on :: sees it.
                if high == 0, low >> 32 == 0xFFFF { return .version4(UInt32(truncatingIfNeeded: low)) }
                return .version6(high)
            case .unixDomainSocket:
                return nil
            }
        }
        guard let block else { return nil }
        self = block
    }

    /// Whether it is this machine itself: 127.0.0.0/8, or the network of ::1.
    var isLoopback: Bool {
        switch self {
        case .version4(let address): return address >> 24 == 127
        case .version6(let network): return network == 0
        }
    }
}
