/// The percent-encoding of paths and queries (RFC 3986 §2.1). A `+` stands for itself: the signing rules know no forms.
enum PercentEncoding {
    /// Appends what `text` stands for, decoded once; a `%` without two hexadecimal digits stands for itself.
    static func append(decoded text: Substring.UTF8View, to bytes: inout [UInt8]) {
        var index = text.startIndex
        while index < text.endIndex {
            let byte = text[index]
            text.formIndex(after: &index)
            guard byte == UInt8(ascii: "%"), let (value, next) = octet(in: text, at: index) else {
                bytes.append(byte)
                continue
            }
            bytes.append(value)
            index = next
        }
    }

    /// What `text` stands for, decoded once.
    static func decode(_ text: Substring.UTF8View) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        append(decoded: text, to: &bytes)
        return bytes
    }

    private static func octet(
        in text: Substring.UTF8View, at start: String.Index
    ) -> (value: UInt8, next: String.Index)? {
        guard start < text.endIndex, let high = hexDigit(text[start]) else { return nil }
        let second = text.index(after: start)
        guard second < text.endIndex, let low = hexDigit(text[second]) else { return nil }
        return (high << 4 | low, text.index(after: second))
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte &- UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte &- UInt8(ascii: "A") &+ 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte &- UInt8(ascii: "a") &+ 10
        default: nil
        }
    }
}
