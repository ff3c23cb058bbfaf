/// The encoding of RFC 4648 §4, as far as the handshake needs it.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// The text for bytes, with padding.
    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            bits <<= 8 * UInt32(3 - group.count)
            for position in 0..<4 {
                let digit = Int(bits >> UInt32(18 - 6 * position)) & 0x3F
                text.append(position <= group.count ? alphabet[digit] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The 16 bytes that a `Sec-WebSocket-Key` encodes, or `nil` when the text is no such key (RFC 6455 §4.2.1).
    ///
    /// Only the one text that ``encode(_:)`` makes of 16 bytes is taken: 24 characters, two of them padding, and the
    /// bits that belong to no byte zero (RFC 4648 §3.5).
    static func decodeSixteenBytes(_ text: String) -> [UInt8]? {
        guard text.utf8.count == 24 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(16)
        var bits: UInt32 = 0
        var bitCount: UInt32 = 0
        for character in text.utf8.prefix(22) {
            guard let value = value(of: character) else { return nil }
            bits = bits << 6 | value
            bitCount += 6
            if bitCount >= 8 {
                bitCount -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> bitCount))
            }
        }
        guard bits & 0xF == 0, text.utf8.suffix(2).elementsEqual("==".utf8) else { return nil }
        return bytes
    }

    /// The six bits that a character stands for.
    private static func value(of character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): return UInt32(character - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): return UInt32(character - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): return UInt32(character - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): return 62
        case UInt8(ascii: "/"): return 63
        default: return nil
        }
    }
}
