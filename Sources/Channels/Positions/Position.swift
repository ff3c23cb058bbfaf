/// Where a publication stands in its channel's log.
///
/// Offsets of one epoch are 1, 2, 3 … without holes, up to 2^53-1; offset 0 is the place before the first.
public struct Position: Hashable, Sendable {
    /// The largest offset: the largest whole number that every JSON reader keeps exactly.
    public static let maximumOffset: UInt64 = (1 << 53) - 1

    /// The life of the log.
    public var epoch: Epoch
    /// The number within that life.
    public var offset: UInt64

    /// Composes a position.
    public init(epoch: Epoch, offset: UInt64) {
        self.epoch = epoch
        self.offset = offset
    }

    /// Reads `EPOCH:OFFSET`; `nil` for anything that is no position.
    public init?(_ text: some Collection<UInt8>) {
        guard let colon = text.firstIndex(of: UInt8(ascii: ":")), let epoch = Epoch(text[..<colon]) else { return nil }
        let digits = text[text.index(after: colon)...]
        guard (1...16).contains(digits.count) else { return nil }
        var offset: UInt64 = 0
        for byte in digits {
            guard 0x30...0x39 ~= byte else { return nil }
            offset = offset * 10 + UInt64(byte - 0x30)
        }
        guard offset <= Self.maximumOffset else { return nil }
        self.init(epoch: epoch, offset: offset)
    }

    /// Appends `EPOCH:OFFSET`.
    public func append(to text: inout [UInt8]) {
        epoch.append(to: &text)
        text.append(UInt8(ascii: ":"))
        text.append(contentsOf: String(offset).utf8)
    }
}
