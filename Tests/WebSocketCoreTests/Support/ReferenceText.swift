/// UTF-8 checked slowly, by what the bytes so far can still become: a scalar value that may be encoded in so many bytes.
enum ReferenceText {
    /// Index of the first byte with which no text can begin any more; `nil` when there is none.
    static func firstWrongByte(_ bytes: [UInt8]) -> Int? {
        scan(bytes).firstWrong
    }

    /// Whether the bytes are a whole text.
    static func isText(_ bytes: [UInt8]) -> Bool {
        let scan = scan(bytes)
        return scan.firstWrong == nil && scan.endsWhole
    }

    private static func scan(_ bytes: [UInt8]) -> (firstWrong: Int?, endsWhole: Bool) {
        var index = 0
        while index < bytes.count {
            let lead = Int(bytes[index])
            let length: Int
            switch lead {
            case 0..<128: length = 1
            case 192..<224: length = 2
            case 224..<240: length = 3
            case 240..<248: length = 4
            default: return (index, false)
            }
            var value = length == 1 ? lead : lead % (128 >> length)
            for offset in 0..<length {
                guard index + offset < bytes.count else { return (nil, false) }
                let byte = Int(bytes[index + offset])
                if offset > 0 {
                    guard byte / 64 == 2 else { return (index + offset, false) }
                    value = value * 64 + byte % 64
                }
                let open = 1 << (6 * (length - 1 - offset))
                if !canBeScalar(value * open..<(value + 1) * open, length) { return (index + offset, false) }
            }
            index += length
        }
        return (nil, true)
    }

    /// Whether a range of values has one that takes `length` bytes and is a Unicode scalar value.
    private static func canBeScalar(_ values: Range<Int>, _ length: Int) -> Bool {
        let allowed: [Range<Int>]
        switch length {
        case 1: allowed = [0..<0x80]
        case 2: allowed = [0x80..<0x800]
        case 3: allowed = [0x800..<0xD800, 0xE000..<0x10000]
        default: allowed = [0x10000..<0x11_0000]
        }
        return allowed.contains { $0.overlaps(values) }
    }
}
