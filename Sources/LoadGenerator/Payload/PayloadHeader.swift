/// The first 24 bytes of every message: who sent it, which one it is, and when; printable ASCII.
///
/// Three words of 48 bits, each written as eight bytes from `0` to `o` with six bits a byte. The first one holds the
/// sender and a check number over everything, which also tells the messages of another run.
struct PayloadHeader: Hashable {
    /// Bytes of a header.
    static let byteCount = 24
    private static let wordMask: UInt64 = 0xFFFF_FFFF_FFFF

    /// The number of the connection or publisher; the lowest 24 bits count.
    let source: Int
    /// The number of the message among those of its sender, from 0; the lowest 48 bits count.
    let sequence: UInt64
    /// When it was sent, in nanoseconds since the run began; the lowest 48 bits, 78 hours, count.
    let sentAt: UInt64

    /// Composes a header.
    init(source: Int, sequence: UInt64, sentAt: UInt64) {
        self.source = source
        self.sequence = sequence
        self.sentAt = sentAt
    }

    /// Reads a header; `nil` for bytes that no ``write(to:seed:)`` with the same seed has made.
    ///
    /// - Parameter bytes: at least ``byteCount`` readable bytes.
    init?(_ bytes: UnsafeRawPointer, seed: UInt64) {
        guard
            let first = Self.unspread(UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))),
            let sequence = Self.unspread(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))),
            let sentAt = Self.unspread(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)))
        else { return nil }
        let source = first & 0xFF_FFFF
        guard first >> 24 == Self.checkNumber(source, sequence, sentAt, seed) else { return nil }
        self.init(source: Int(source), sequence: sequence, sentAt: sentAt)
    }

    /// Writes the header.
    ///
    /// - Parameters:
    ///   - bytes: at least ``byteCount`` writable bytes.
    ///   - seed: of the run.
    func write(to bytes: UnsafeMutableRawPointer, seed: UInt64) {
        let source = UInt64(truncatingIfNeeded: self.source) & 0xFF_FFFF
        let sequence = self.sequence & Self.wordMask
        let sentAt = self.sentAt & Self.wordMask
        let first = source | Self.checkNumber(source, sequence, sentAt, seed) << 24
        bytes.storeBytes(of: Self.spread(first).littleEndian, as: UInt64.self)
        bytes.storeBytes(of: Self.spread(sequence).littleEndian, toByteOffset: 8, as: UInt64.self)
        bytes.storeBytes(of: Self.spread(sentAt).littleEndian, toByteOffset: 16, as: UInt64.self)
    }

    private static let zeros: UInt64 = 0x3030_3030_3030_3030

    /// Six bits to each of eight bytes, halving the word three times.
    private static func spread(_ word: UInt64) -> UInt64 {
        var word = word & 0xFF_FFFF | (word & 0xFFFF_FF00_0000) << 8
        word = word & 0x0000_0FFF_0000_0FFF | (word & 0x00FF_F000_00FF_F000) << 4
        word = word & 0x003F_003F_003F_003F | (word & 0x0FC0_0FC0_0FC0_0FC0) << 2
        return word &+ zeros
    }

    private static func unspread(_ bytes: UInt64) -> UInt64? {
        let spread = bytes &- zeros
        guard spread & 0xC0C0_C0C0_C0C0_C0C0 == 0, spread &+ zeros == bytes else { return nil }
        var word = spread & 0x003F_003F_003F_003F | (spread & 0x3F00_3F00_3F00_3F00) >> 2
        word = word & 0x0000_0FFF_0000_0FFF | (word & 0x0FFF_0000_0FFF_0000) >> 4
        word = word & 0xFF_FFFF | (word & 0x00FF_FFFF_0000_0000) >> 8
        return word
    }

    /// 24 bits that change with every bit of what they are made from.
    private static func checkNumber(_ source: UInt64, _ sequence: UInt64, _ sentAt: UInt64, _ seed: UInt64) -> UInt64 {
        var mix = (seed ^ source) &* 0x9E37_79B9_7F4A_7C15
        mix = (mix ^ mix >> 29 ^ sequence) &* 0xBF58_476D_1CE4_E5B9
        mix = (mix ^ mix >> 32 ^ sentAt) &* 0x94D0_49BB_1331_11EB
        return mix >> 40
    }
}
