/// A host with an optional port, as it stands in a `Host` field or a URL (RFC 3986 §3.2.2, §3.2.3).
struct Authority {
    /// The host as it was written, without the brackets of an IPv6 address; never empty.
    let host: String
    /// Whether the host stood in brackets.
    let isIPv6: Bool
    /// The port, 1–65535; `nil` without one, and when nothing follows the colon.
    let port: Int?

    /// Reads `host`, `host:port`, `[address]` or `[address]:port`; `nil` for anything else, user information included.
    init?(_ text: Substring) {
        let bytes = text.utf8
        let rest: Substring.UTF8View
        if bytes.first == UInt8(ascii: "[") {
            guard let end = bytes.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            let address = bytes[bytes.index(after: bytes.startIndex)..<end]
            guard Self.isIPv6Address(address) else { return nil }
            host = String(Substring(address))
            isIPv6 = true
            rest = bytes[bytes.index(after: end)...]
        } else {
            let end = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
            guard end != bytes.startIndex, Self.isRegisteredName(bytes[..<end]) else { return nil }
            host = String(Substring(bytes[..<end]))
            isIPv6 = false
            rest = bytes[end...]
        }
        guard let colon = rest.first else {
            port = nil
            return
        }
        let digits = rest.dropFirst()
        guard colon == UInt8(ascii: ":"), digits.first != UInt8(ascii: "0") else { return nil }
        var number = 0
        for digit in digits {
            guard FieldSyntax.isDigit(digit) else { return nil }
            number = number * 10 + Int(digit - UInt8(ascii: "0"))
            guard number <= 65_535 else { return nil }
        }
        port = digits.isEmpty ? nil : number
    }

    /// Whether the host is a name or an address that can be looked up: letters, digits, `-`, `.`, `_`, or IPv6.
    var isPlain: Bool {
        isIPv6
            || host.utf8.allSatisfy { byte in
                FieldSyntax.isAlphanumeric(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
                    || byte == UInt8(ascii: "_")
            }
    }

    /// Whether the bytes look like an IPv6 address: groups and at least two colons. Zones are not taken.
    private static func isIPv6Address(_ bytes: Substring.UTF8View) -> Bool {
        var colons = 0
        for byte in bytes {
            if byte == UInt8(ascii: ":") { colons += 1 }
            guard FieldSyntax.isHexDigit(byte) || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".") else {
                return false
            }
        }
        return (2...8).contains(colons)
    }

    /// Whether the bytes are a registered name: unreserved, sub-delims and percent-encoded (RFC 3986 §3.2.2).
    private static func isRegisteredName(_ bytes: Substring.UTF8View) -> Bool {
        FieldSyntax.hasValidEscapes(bytes)
            && bytes.allSatisfy { byte in
                // The sub-delims that are no token characters; and the token characters that no host may have.
                switch byte {
                case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "="):
                    return true
                case UInt8(ascii: "#"), UInt8(ascii: "^"), UInt8(ascii: "`"), UInt8(ascii: "|"): return false
                default: return FieldSyntax.isTokenByte(byte)
                }
            }
    }
}
