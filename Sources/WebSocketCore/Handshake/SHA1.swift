/// The hash of FIPS 180-4 §6.1, for the accept value alone (RFC 6455 §4.2.2).
///
/// It proves nothing about who sent a message: SHA-1 is broken for that. Here it only shows that the server read the
/// key of a WebSocket handshake.
enum SHA1 {
    /// The 20 bytes of the hash.
    static func digest(of message: [UInt8]) -> [UInt8] {
        var state = State()
        let bitCount = UInt64(message.count) << 3
        // FIPS 180-4 §5.1.1: a one bit, zeros up to 56 bytes modulo 64, the length in bits.
        let zeros = (119 - message.count % 64) % 64
        let padding = [0x80] + [UInt8](repeating: 0, count: zeros) + bigEndian(bitCount)
        for byte in message { state.take(byte) }
        for byte in padding { state.take(byte) }
        return state.words.flatMap { bigEndian($0) }
    }

    /// The bytes of a number, the most significant one first.
    private static func bigEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        (1...Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> (Number.bitWidth - 8 * $0)) }
    }

    /// The intermediate hash value, and the block that is being filled.
    private struct State {
        /// FIPS 180-4 §5.3.1.
        private(set) var words: [UInt32] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0]
        /// The message schedule; its first 16 words are the block.
        private var schedule = [UInt32](repeating: 0, count: 80)
        private var filled = 0

        mutating func take(_ byte: UInt8) {
            schedule[filled / 4] = schedule[filled / 4] << 8 | UInt32(byte)
            filled += 1
            guard filled == 64 else { return }
            filled = 0
            process()
        }

        /// FIPS 180-4 §6.1.2.
        private mutating func process() {
            for index in 16..<80 {
                let mixed = schedule[index - 3] ^ schedule[index - 8] ^ schedule[index - 14] ^ schedule[index - 16]
                schedule[index] = Self.rotated(mixed, by: 1)
            }
            var (a, b, c, d, e) = (words[0], words[1], words[2], words[3], words[4])
            for (index, word) in schedule.enumerated() {
                let mixed: UInt32
                switch index {
                case 0..<20: mixed = (b & c | ~b & d) &+ 0x5A82_7999
                case 20..<40: mixed = (b ^ c ^ d) &+ 0x6ED9_EBA1
                case 40..<60: mixed = (b & c | b & d | c & d) &+ 0x8F1B_BCDC
                default: mixed = (b ^ c ^ d) &+ 0xCA62_C1D6
                }
                (e, d, c, b, a) = (d, c, Self.rotated(b, by: 30), a, Self.rotated(a, by: 5) &+ mixed &+ e &+ word)
            }
            words[0] &+= a
            words[1] &+= b
            words[2] &+= c
            words[3] &+= d
            words[4] &+= e
        }

        private static func rotated(_ word: UInt32, by count: UInt32) -> UInt32 {
            word << count | word >> (32 - count)
        }
    }
}
