/// Replaces malformed UTF-8, several times faster than `String(decoding:as:)`: strangers send a MiB of it.
enum UTF8Repair {
    /// Returns `bytes` with each maximal subpart of an ill-formed sequence replaced by U+FFFD (Unicode §3.9), like
    /// `String(decoding:as:)`.
    static func repaired(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            // In pieces: reserving for the worst case at once would triple the memory.
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

    /// The length of the sequence or maximal subpart at `index`, at least 1, and whether it is well-formed.
    private static func scalar(in bytes: [UInt8], at index: Int) -> (length: Int, isWhole: Bool) {
        let first = bytes[index]
        // How many bytes follow, and the range of the next: no overlong forms, surrogates or values above U+10FFFF.
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
