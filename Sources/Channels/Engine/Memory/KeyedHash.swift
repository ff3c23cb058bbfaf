/// SipHash-2-4 (Aumasson and Bernstein, 2012): 64 bits of a text that nobody can predict without the key.
///
/// Strangers choose the names of channels: without a key they could choose names that collide.
struct KeyedHash: Sendable {
    private let key: SIMD2<UInt64>

    init(key: SIMD2<UInt64>) { self.key = key }

    /// The hash of both texts; the length of the first keeps `ab` + `c` apart from `a` + `bc`.
    func callAsFunction(_ first: [UInt8], _ second: [UInt8], _ number: UInt64 = 0) -> UInt64 {
        var state = State(key)
        state.absorb(UInt64(first.count))
        state.absorb(number)
        state.absorb(first)
        state.absorb(second)
        return state.finish(byteCount: first.count &+ second.count)
    }

    /// The hash of one text, as the paper has it.
    func callAsFunction(_ text: [UInt8]) -> UInt64 {
        var state = State(key)
        state.absorb(text)
        return state.finish(byteCount: text.count)
    }

    private struct State {
        private var (v0, v1, v2, v3): (UInt64, UInt64, UInt64, UInt64)
        private var word: UInt64 = 0
        private var filled: UInt64 = 0

        init(_ key: SIMD2<UInt64>) {
            v0 = key.x ^ 0x736f_6d65_7073_6575
            v1 = key.y ^ 0x646f_7261_6e64_6f6d
            v2 = key.x ^ 0x6c79_6765_6e65_7261
            v3 = key.y ^ 0x7465_6462_7974_6573
        }

        mutating func absorb(_ bytes: [UInt8]) {
            for byte in bytes {
                word |= UInt64(byte) << (8 &* filled)
                filled &+= 1
                if filled == 8 {
                    absorb(word)
                    (word, filled) = (0, 0)
                }
            }
        }

        mutating func absorb(_ word: UInt64) {
            v3 ^= word
            round()
            round()
            v0 ^= word
        }

        mutating func finish(byteCount: Int) -> UInt64 {
            absorb(word | UInt64(truncatingIfNeeded: byteCount) << 56)
            v2 ^= 0xff
            for _ in 0..<4 { round() }
            return v0 ^ v1 ^ v2 ^ v3
        }

        private mutating func round() {
            v0 &+= v1
            v1 = Self.rotate(v1, 13) ^ v0
            v0 = Self.rotate(v0, 32)
            v2 &+= v3
            v3 = Self.rotate(v3, 16) ^ v2
            v0 &+= v3
            v3 = Self.rotate(v3, 21) ^ v0
            v2 &+= v1
            v1 = Self.rotate(v1, 17) ^ v2
            v2 = Self.rotate(v2, 32)
        }

        private static func rotate(_ word: UInt64, _ count: UInt64) -> UInt64 { word << count | word >> (64 - count) }
    }
}
