/// Makes UTF-8 of any bytes, several times as fast as Swift's strings do: a MiB of nothing else is what a stranger sends.
enum UTF8Repair {
    /// `bytes` with U+FFFD in place of each longest beginning of a scalar value that does not go on, and of each byte that
    /// begins none (Unicode §3.9, "maximal subparts"), as `String(decoding:as:)` does it.
    static func repaired(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            // Pieces, so that no more room is asked for than may be needed soon.
            let end = min(index + 1024, bytes.count)
            result.append(addingCapacity: 3 * (end - index) + 4) { output in
                while index < end {
                    let (length, isWhole) = scalar(in: bytes, at: index)
                    if isWhole {
                        for offset in 0..<length { output.append(bytes[index + offset]) }
                    } else {
                        output.append(0xEF)
                        output.append(0xBF)
                        output.append(0xBD)
                    }
                    index += length
                }
            }
        }
        return result
    }

    /// How many bytes at `index` belong together, 1 at least, and whether they are a scalar value.
    private static func scalar(in bytes: [UInt8], at index: Int) -> (length: Int, isWhole: Bool) {
        let first = bytes[index]
        // The bytes that follow, and what the first of them may be: no overlong form, no surrogate, no value above 10FFFF.
        let count: Int
        var allowed: ClosedRange<UInt8> = 0x80...0xBF
        switch first {
        case ..<0x80: return (1, true)
        case 0xC2...0xDF: count = 1
        case 0xE0: (count, allowed) = (2, 0xA0...0xBF)
        case 0xED: (count, allowed) = (2, 0x80...0x9F)
        case 0xE1...0xEF: count = 2
        case 0xF0: (count, allowed) = (3, 0x90...0xBF)
        case 0xF1...0xF3: count = 3
        case 0xF4: (count, allowed) = (3, 0x80...0x8F)
        default: return (1, false)
        }
        for offset in 1...count {
            guard index + offset < bytes.count, allowed.contains(bytes[index + offset]) else { return (offset, false) }
            allowed = 0x80...0xBF
        }
        return (count + 1, true)
    }
}
