/// The life of a channel's log: offsets of one epoch follow each other without holes, and are never used twice.
///
/// It changes when, and only when, the log could not be continued: a memory engine was started anew, or an engine has
/// failed over and may have lost a suffix. On the wire it is an opaque string of 13 letters and digits.
public struct Epoch: Hashable, Sendable {
    /// How long the text is, in bytes.
    public static let textBytes = 13

    /// 64 random bits.
    public let rawValue: UInt64

    /// The epoch with these bits.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// A new epoch from a generator of the caller's choice.
    public init(using generator: inout some RandomNumberGenerator) { rawValue = generator.next() }

    /// Reads an epoch back from its text; `nil` when no epoch has that text.
    public init?(_ text: some Collection<UInt8>) {
        guard text.count == Self.textBytes else { return nil }
        var value: UInt64 = 0
        for (place, byte) in text.enumerated() {
            let digit: UInt64
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = UInt64(byte &- UInt8(ascii: "a"))
            case UInt8(ascii: "2")...UInt8(ascii: "7"): digit = UInt64(byte &- UInt8(ascii: "2") &+ 26)
            default: return nil
            }
            // 13 digits of 5 bits are one bit more than there are.
            if place == 0, digit > 15 { return nil }
            value = value << 5 | digit
        }
        rawValue = value
    }

    /// Appends the text to `text`.
    public func append(to text: inout [UInt8]) {
        text.append(addingCapacity: Self.textBytes) { output in
            for shift in stride(from: UInt64(60), through: 0, by: -5) {
                let digit = UInt8(truncatingIfNeeded: rawValue >> shift) & 31
                output.append(digit < 26 ? UInt8(ascii: "a") &+ digit : UInt8(ascii: "2") &+ (digit &- 26))
            }
        }
    }

    /// The text of the epoch, ASCII.
    public var text: [UInt8] {
        var text: [UInt8] = []
        append(to: &text)
        return text
    }
}
