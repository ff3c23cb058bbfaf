/// The address of a member: 119 random bits, written as 24 letters and digits.
///
/// The text starts with a letter and has letters `a` to `z` and digits `2` to `7` only, so it can stand unencoded in
/// URLs, forms and element ids. A code tells nothing about any other, and so many bits do not come twice.
public struct MemberCode: Hashable, Sendable {
    /// How long the text is, in bytes.
    public static let textBytes = 24

    // Twelve digits of five bits each; the first digit of the text is below 16, so it is a letter.
    private static let highMask: UInt64 = (1 << 59) - 1
    private static let lowMask: UInt64 = (1 << 60) - 1

    private let high: UInt64
    private let low: UInt64

    /// A new code from the system's random numbers.
    public init() {
        var generator = SystemRandomNumberGenerator()
        self.init(using: &generator)
    }

    /// A new code from a generator of the caller's choice.
    public init(using generator: inout some RandomNumberGenerator) {
        high = generator.next() & Self.highMask
        low = generator.next() & Self.lowMask
    }

    /// Reads a code back from its text; `nil` when no code has that text.
    public init?(_ text: some Collection<UInt8>) {
        guard text.count == Self.textBytes else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for (position, byte) in text.enumerated() {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = byte &- UInt8(ascii: "a")
            case UInt8(ascii: "2")...UInt8(ascii: "7"): digit = byte &- UInt8(ascii: "2") &+ 26
            default: return nil
            }
            if position < Self.textBytes / 2 {
                high = high << 5 | UInt64(digit)
            } else {
                low = low << 5 | UInt64(digit)
            }
        }
        guard high <= Self.highMask else { return nil }
        self.high = high
        self.low = low
    }

    /// The text of the code, ASCII.
    public var text: [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(Self.textBytes)
        append(to: &text)
        return text
    }

    /// Appends the text of the code to `text`.
    public func append(to text: inout [UInt8]) {
        text.append(addingCapacity: Self.textBytes) { output in
            for half in 0..<2 {
                let bits = half == 0 ? high : low
                for shift in stride(from: UInt64(55), through: 0, by: -5) {
                    let digit = UInt8(truncatingIfNeeded: bits >> shift) & 31
                    output.append(digit < 26 ? UInt8(ascii: "a") &+ digit : UInt8(ascii: "2") &+ (digit &- 26))
                }
            }
        }
    }
}
