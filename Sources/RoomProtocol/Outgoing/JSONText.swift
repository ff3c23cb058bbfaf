import Channels

/// Writes JSON that is ASCII only and can stand in a script or an HTML page as it is.
///
/// In strings everything becomes `\uXXXX` that is not printable ASCII, and `" \ < > & '` too.
struct JSONText {
    private(set) var bytes: [UInt8] = []

    /// Begins empty.
    init() {}

    /// Begins with what is JSON already, and room for so many bytes more.
    init(_ json: some Collection<UInt8>, addingCapacity more: Int) {
        bytes.reserveCapacity(json.count + more)
        bytes.append(contentsOf: json)
    }

    /// Appends what is JSON already.
    mutating func raw(_ json: StaticString) {
        json.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    /// Appends what is JSON already.
    mutating func raw(_ json: [UInt8]) { bytes.append(contentsOf: json) }

    /// Appends a string; bytes that are no UTF-8 become U+FFFD.
    mutating func string(_ text: [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        bytes.reserveCapacity(bytes.count + text.count + 2)
        var index = text.startIndex
        var plainStart = index
        while index < text.endIndex {
            guard !Self.isPlain(text[index]) else {
                index += 1
                continue
            }
            if plainStart < index { bytes.append(contentsOf: text[plainStart..<index]) }
            let scalar = Self.scalar(in: text, at: &index)
            for unit in UTF16.encode(scalar) ?? UTF16.encodedReplacementCharacter { escape(unit) }
            plainStart = index
        }
        bytes.append(contentsOf: text[plainStart...])
        bytes.append(UInt8(ascii: "\""))
    }

    /// Appends a code as a string.
    mutating func string(_ code: MemberCode) {
        bytes.append(UInt8(ascii: "\""))
        code.append(to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    /// Appends a time as a string.
    mutating func string(_ time: CivilTime) {
        bytes.append(UInt8(ascii: "\""))
        time.append(to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    /// Appends a position as a string.
    mutating func string(_ position: Position) {
        bytes.append(UInt8(ascii: "\""))
        position.append(to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    /// Appends a number.
    mutating func number(_ number: UInt64) { bytes.append(contentsOf: String(number).utf8) }

    /// The most bytes that ``string(_:)`` can make of one.
    static let maximumExpansion = 6

    /// How many bytes ``string(_:)`` makes of `text`, which is UTF-8; the quotation marks are not counted.
    static func escapedBytes(_ text: [UInt8]) -> Int {
        text.reduce(into: 0) { count, byte in
            // Of a scalar's bytes the first counts: two UTF-16 units when it has four bytes, otherwise one.
            switch byte {
            case 0x80...0xBF: break
            case 0xF0...: count += 12
            default: count += isPlain(byte) ? 1 : 6
            }
        }
    }

    private mutating func escape(_ unit: UInt16) {
        bytes.append(addingCapacity: 6) { output in
            output.append(UInt8(ascii: "\\"))
            output.append(UInt8(ascii: "u"))
            for shift in stride(from: 12, through: 0, by: -4) {
                let digit = UInt8(truncatingIfNeeded: unit >> UInt16(shift)) & 15
                output.append(digit < 10 ? UInt8(ascii: "0") &+ digit : UInt8(ascii: "a") &+ (digit &- 10))
            }
        }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"),
            UInt8(ascii: "'"):
            false
        case 0x20...0x7E: true
        default: false
        }
    }

    /// The scalar value at `index`, which moves past it; U+FFFD for a byte that begins none.
    private static func scalar(in text: [UInt8], at index: inout Int) -> Unicode.Scalar {
        let first = text[index]
        index += 1
        if first < 0x80 { return Unicode.Scalar(first) }
        let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
        guard first >= 0xC2, first <= 0xF4, text.endIndex - index >= length - 1 else { return "\u{FFFD}" }
        var value = UInt32(first) & (0x7F >> UInt32(length))
        for offset in 0..<(length - 1) {
            let byte = text[index + offset]
            guard byte & 0xC0 == 0x80 else { return "\u{FFFD}" }
            value = value << 6 | UInt32(byte & 0x3F)
        }
        let isShortest = length == 2 || value >= (length == 3 ? 0x800 : 0x1_0000)
        guard isShortest, let scalar = Unicode.Scalar(value) else { return "\u{FFFD}" }
        index += length - 1
        return scalar
    }
}
