/// A digest of everything that has happened in a run: two runs that have the same one did the same.
struct TraceHash: Hashable, Sendable {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    /// The finalizer of SplitMix64: every bit of the answer depends on every bit of `word`.
    static func scrambled(_ word: UInt64) -> UInt64 {
        var word = word
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }

    mutating func mix(_ word: UInt64) { value = Self.scrambled(value ^ word) &+ 0x9E37_79B9_7F4A_7C15 }

    mutating func mix(_ bytes: some Collection<UInt8>) {
        // FNV-1a for the bytes, so that a long payload costs little.
        var sum: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { sum = (sum ^ UInt64(byte)) &* 0x100_0000_01B3 }
        mix(sum)
    }
}
