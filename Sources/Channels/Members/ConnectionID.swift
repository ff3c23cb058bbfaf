/// The name of one connection in the whole cluster: two random numbers of 53 bits, not guessable from another's.
///
/// Written `HIGH.LOW` in decimal digits, which is a Pusher client's `socket_id`.
public struct ConnectionID: Hashable, Sendable {
    private static let mask: UInt64 = (1 << 53) - 1

    /// The number before the dot, below 2^53.
    public let high: UInt64
    /// The number behind the dot, below 2^53.
    public let low: UInt64

    /// A new name from a generator of the caller's choice.
    public init(using generator: inout some RandomNumberGenerator) {
        high = generator.next() & Self.mask
        low = generator.next() & Self.mask
    }

    /// A new name from the system's random numbers.
    public init() {
        var generator = SystemRandomNumberGenerator()
        self.init(using: &generator)
    }

    /// Reads a name back from its text; `nil` when no connection has that text.
    public init?(_ text: some Collection<UInt8>) {
        guard let dot = text.firstIndex(of: UInt8(ascii: ".")), let high = Self.number(text[..<dot]),
            let low = Self.number(text[text.index(after: dot)...])
        else { return nil }
        self.high = high
        self.low = low
    }

    /// Appends `HIGH.LOW`.
    public func append(to text: inout [UInt8]) {
        text.append(contentsOf: String(high).utf8)
        text.append(UInt8(ascii: "."))
        text.append(contentsOf: String(low).utf8)
    }

    /// The text, ASCII.
    public var text: [UInt8] {
        var text: [UInt8] = []
        append(to: &text)
        return text
    }

    private static func number(_ digits: some Collection<UInt8>) -> UInt64? {
        guard (1...16).contains(digits.count), digits.count == 1 || digits.first != 0x30 else { return nil }
        var number: UInt64 = 0
        for byte in digits {
            guard 0x30...0x39 ~= byte else { return nil }
            number = number * 10 + UInt64(byte - 0x30)
        }
        return number <= mask ? number : nil
    }
}
