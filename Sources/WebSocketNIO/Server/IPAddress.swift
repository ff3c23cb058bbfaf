import NIOCore
import WebSocketCore

/// An IP address. An IPv4 address inside an IPv6 one, as a listener on `::` sees it (RFC 4291 §2.5.5.2), is the IPv4
/// address.
enum IPAddress: Hashable, Sendable {
    case version4(UInt32)
    case version6(high: UInt64, low: UInt64)

    /// The address of a socket; `nil` for one without an IP address.
    init?(_ address: SocketAddress) {
        let found = address.withSockAddr { pointer, count -> IPAddress? in
            let bytes = UnsafeRawBufferPointer(start: pointer, count: count)
            switch address {
            case .v4:
                guard count >= 8 else { return nil }
                return .version4(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
            case .v6:
                guard count >= 24 else { return nil }
                let high = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
                let low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
                if high == 0, low >> 32 == 0xFFFF { return .version4(UInt32(truncatingIfNeeded: low)) }
                return .version6(high: high, low: low)
            case .unixDomainSocket:
                return nil
            }
        }
        guard let found else { return nil }
        self = found
    }

    /// Reads an address in text (RFC 4291 §2.2), without brackets, port or zone; `nil` for anything else.
    init?(_ text: some StringProtocol) {
        let isPlain =
            text.utf8.count <= 45
            && text.utf8.allSatisfy { byte in
                switch byte | 0x20 {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): return byte >= 0x30
                default: return byte == UInt8(ascii: ".") || byte == UInt8(ascii: ":")
                }
            }
        guard isPlain, let address = try? SocketAddress(ipAddress: String(text), port: 0) else { return nil }
        self.init(address)
    }

    /// The address as it is written.
    var text: String? { socketAddress?.ipAddress }

    /// The address as that of a socket with port 0.
    var socketAddress: SocketAddress? {
        var bytes = ByteBuffer()
        switch self {
        case .version4(let address): bytes.writeInteger(address)
        case .version6(let high, let low): bytes.writeMultipleIntegers(high, low)
        }
        return try? SocketAddress(packedIPAddress: bytes, port: 0)
    }
}

extension AddressBlock {
    init(_ address: IPAddress) {
        switch address {
        case .version4(let address): self = .version4(address)
        case .version6(let high, _): self = .version6(high)
        }
    }
}
