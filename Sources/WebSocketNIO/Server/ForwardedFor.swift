/// Reads a header in which proxies write whom they forward for: addresses, the nearest hop last.
///
/// Anybody can send the header: only what trusted proxies have appended is believed, so it is read from the right.
enum ForwardedFor {
    /// Whom a request comes from, as far as the header says it.
    enum Client: Hashable {
        /// The first hop from the right that is not trusted.
        case named(IPAddress)
        /// There is no such hop: the proxy asks for itself.
        case nobody
        /// An entry on the way to it is malformed, or more than ``maximumEntries`` are trusted.
        case unknown
    }

    /// The most entries that are read, empty ones counted. What stands to the left of the first that is not trusted is a
    /// client's own, however long it is: it must not make its proxy's address count, of which others live.
    static let maximumEntries = 32

    /// Whom a request comes from.
    ///
    /// - Parameter values: the field's lines in order.
    static func client(in values: [String], isTrusted: (IPAddress) -> Bool) -> Client {
        var entries = 0
        for value in values.reversed() {
            var rest: Substring? = Substring(value)
            while let list = rest {
                entries += 1
                guard entries <= maximumEntries else { return .unknown }
                let comma = list.utf8.lastIndex(of: UInt8(ascii: ","))
                let text = trimmed(comma.map { list[list.utf8.index(after: $0)...] } ?? list)
                rest = comma.map { list[..<$0] }
                // RFC 9110 §5.6.1.2: empty elements of a list are ignored.
                if text.isEmpty { continue }
                guard let hop = hop(text) else { return .unknown }
                if !isTrusted(hop) { return .named(hop) }
            }
        }
        return .nobody
    }

    /// Reads `1.2.3.4`, `1.2.3.4:port`, an IPv6 address, `[address]` or `[address]:port`; a zone is dropped.
    private static func hop(_ text: Substring) -> IPAddress? {
        let bytes = text.utf8
        if bytes.first == UInt8(ascii: "[") {
            guard let end = bytes.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            let address = text[text.index(after: text.startIndex)..<end]
            let port = bytes[bytes.index(after: end)...]
            guard address.utf8.contains(UInt8(ascii: ":")), port.isEmpty || isPort(port) else { return nil }
            return withoutZone(address).flatMap { IPAddress($0) }
        }
        let colons = bytes.count { $0 == UInt8(ascii: ":") }
        if colons == 1, let colon = bytes.firstIndex(of: UInt8(ascii: ":")) {
            return isPort(bytes[colon...]) ? IPAddress(text[..<colon]) : nil
        }
        return colons > 1 ? withoutZone(text).flatMap { IPAddress($0) } : IPAddress(text)
    }

    /// RFC 4007 §11: a zone names an interface of the proxy's, which means nothing here.
    private static func withoutZone(_ address: Substring) -> Substring? {
        guard let percent = address.utf8.firstIndex(of: UInt8(ascii: "%")) else { return address }
        let zone = address.utf8[address.utf8.index(after: percent)...]
        let isZone =
            1...32 ~= zone.count
            && zone.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    return true
                default: return false
                }
            }
        return isZone ? address[..<percent] : nil
    }

    /// Whether it is a colon and a number up to 65535.
    private static func isPort(_ bytes: Substring.UTF8View) -> Bool {
        guard bytes.first == UInt8(ascii: ":"), 2...6 ~= bytes.count else { return false }
        let digits = bytes.dropFirst()
        return digits.allSatisfy { 0x30...0x39 ~= $0 } && Int(Substring(digits)).map { $0 <= 65_535 } == true
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let isSpace = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        let start = text.utf8.firstIndex { !isSpace($0) } ?? text.endIndex
        let end = text.utf8.lastIndex { !isSpace($0) }.map { text.utf8.index(after: $0) } ?? start
        return text[start..<end]
    }
}
