/// A user's id as an app writes it in JSON: a string, or a whole number of at most 64 bits, taken by its digits.
struct UserIDValue {
    /// The text, or the digits; nothing says that it is a valid id.
    let id: [UInt8]
    /// Whether clients get it as a number. Above 2^53 they get the digits as a string: JavaScript would round the
    /// number, and `member_removed` would name another user than the one who was listed.
    let isNumber: Bool

    /// Reads an id; `nil` for anything else, and for a number that is not written the one way that every library writes
    /// it: without a fraction, an exponent or leading zeros.
    init?(_ value: JSONValue, in text: RawSpan) {
        switch value.kind {
        case .string:
            guard let id = EnvelopeReader.string(value, in: text) else { return nil }
            self.id = id
            isNumber = false
        case .number:
            guard value.range.count <= Self.maximumDigits else { return nil }
            let digits = EnvelopeReader.raw(value, in: text)
            let written = String(decoding: digits, as: UTF8.self)
            guard let number = Self.magnitude(written), number.isCanonical else { return nil }
            id = digits
            isNumber = number.magnitude < 1 << 53
        default: return nil
        }
    }

    /// A minus and the digits of 2^63, or the digits of 2^64-1.
    private static let maximumDigits = 20

    private static func magnitude(_ text: String) -> (magnitude: UInt64, isCanonical: Bool)? {
        if let number = UInt64(text) { return (number, String(number) == text) }
        return Int64(text).map { ($0.magnitude, String($0) == text) }
    }
}
