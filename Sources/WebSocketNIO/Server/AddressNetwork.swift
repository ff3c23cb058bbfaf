/// A network of IP addresses in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3): `10.0.0.0/8`, `fd00::/8`, or one address.
public struct AddressNetwork: Hashable, Sendable {
    private let base: IPAddress
    private let prefix: Int

    /// Reads the notation; bits behind the prefix do not matter. `nil` for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let base = IPAddress(first) else { return nil }
        let isMapped = if case .version4 = base { first.utf8.contains(UInt8(ascii: ":")) } else { false }
        let width = if case .version4 = base, !isMapped { 32 } else { 128 }
        var prefix = width
        if parts.count == 2 {
            let digits = parts[1].utf8
            guard 1...3 ~= digits.count, digits.allSatisfy({ 0x30...0x39 ~= $0 }), let number = Int(parts[1]),
                number <= width
            else { return nil }
            prefix = number
        }
        // An IPv4 network inside IPv6 is the IPv4 network.
        if isMapped { prefix -= 96 }
        guard prefix >= 0 else { return nil }
        self.base = base
        self.prefix = prefix
    }

    /// Whether an address belongs to the network.
    func contains(_ address: IPAddress) -> Bool {
        switch (base, address) {
        case (.version4(let base), .version4(let address)):
            return prefix == 0 || (base ^ address) >> UInt32(32 - prefix) == 0
        case (.version6(let high, let low), .version6(let otherHigh, let otherLow)):
            // A shift by the whole width gives 0.
            return (high ^ otherHigh) >> UInt64(64 - min(prefix, 64)) == 0
                && (low ^ otherLow) >> UInt64(64 - max(prefix - 64, 0)) == 0
        default:
            return false
        }
    }
}
