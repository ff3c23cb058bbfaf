import WebSocketCore

/// Reads the JSON that strangers send: checks all of it once, then finds what is asked for, by its place in the text.
///
/// It makes no tree and no dictionary, converts no number, and does not call itself, so that its cost is linear in the
/// text and its memory constant. One rule for names that an object has twice: the last counts. Everything that follows
/// ``read(_:checkingUTF8:)`` expects a value which that has returned, and the same text.
public enum EnvelopeReader {
    /// How many arrays and objects may stand inside each other.
    public static let maximumDepth = 32

    /// Checks that `text` is one JSON value (RFC 8259) and nothing else.
    ///
    /// - Parameters:
    ///   - text: UTF-8; text messages have been checked for that.
    ///   - checkingUTF8: checks it here, for text of any other origin.
    public static func read(_ text: RawSpan, checkingUTF8: Bool = false) throws(EnvelopeError) -> JSONValue {
        var scanner = JSONScanner(allowsLoneSurrogates: false)
        if checkingUTF8 { try checkUTF8(text) }
        return try scanner.scan(text)
    }

    /// The same for a text whose strings may have half a surrogate pair (RFC 8259 §8.2). Such a string stands for no
    /// text: it has no ``string(_:in:)`` and equals no name, but it can be passed on as it was written.
    ///
    /// - Returns: the value, and where the first and the last half begin.
    public static func readWithLoneSurrogates(
        _ text: RawSpan, checkingUTF8: Bool = false
    ) throws(EnvelopeError) -> (value: JSONValue, loneSurrogates: ClosedRange<Int>?) {
        var scanner = JSONScanner(allowsLoneSurrogates: true)
        if checkingUTF8 { try checkUTF8(text) }
        let value = try scanner.scan(text)
        return (value, scanner.loneSurrogates)
    }

    private static func checkUTF8(_ text: RawSpan) throws(EnvelopeError) {
        var validator = UTF8Validator()
        let isValid = text.withUnsafeBytes { validator.validate($0) } && validator.isAtBoundary
        guard isValid else { throw .notUTF8(at: 0) }
    }

    /// The value of the member `name` of an object, the last one of that name; `nil` when there is none, or when `value`
    /// is no object.
    public static func member(_ name: StaticString, of value: JSONValue, in text: RawSpan) -> JSONValue? {
        var members = JSONMembers(of: value)
        var found: JSONValue?
        while let member = members.next(in: text) {
            if matches(member.name, name, in: text) { found = member.value }
        }
        return found
    }

    /// Whether a string is `name`, which must be ASCII.
    public static func matches(_ value: JSONValue, _ name: StaticString, in text: RawSpan) -> Bool {
        guard value.kind == .string else { return false }
        let range = contents(value)
        let isPlain = name.withUTF8Buffer { name in
            range.count == name.count && name.indices.allSatisfy { text.byte(at: range.lowerBound + $0) == name[$0] }
        }
        // An escaped one is longer than what it stands for.
        guard !isPlain, range.count > name.utf8CodeUnitCount,
            range.contains(where: { text.byte(at: $0) == UInt8(ascii: "\\") })
        else { return isPlain }
        return name.withUTF8Buffer { decode(range, of: text)?.elementsEqual($0) ?? false }
    }

    /// What a string stands for, in UTF-8; `nil` for anything but a string, and for one with half a surrogate pair.
    public static func string(_ value: JSONValue, in text: RawSpan) -> [UInt8]? {
        value.kind == .string ? decode(contents(value), of: text) : nil
    }

    /// The bytes of a value as they came.
    public static func raw(_ value: JSONValue, in text: RawSpan) -> [UInt8] { copy(value.range, of: text) }

    /// A whole number from 0 to 2^53-1 that is written in digits only; `nil` for anything else.
    public static func wholeNumber(_ value: JSONValue, in text: RawSpan) -> UInt64? {
        guard value.kind == .number, value.range.count <= 16 else { return nil }
        var number: UInt64 = 0
        for offset in value.range {
            let byte = text.byte(at: offset)
            guard 0x30...0x39 ~= byte else { return nil }
            number = number * 10 + UInt64(byte - 0x30)
        }
        return number < 1 << 53 ? number : nil
    }

    /// What stands between the quotation marks.
    private static func contents(_ value: JSONValue) -> Range<Int> {
        value.range.lowerBound + 1..<max(value.range.lowerBound + 1, value.range.upperBound - 1)
    }

    private static func copy(_ range: Range<Int>, of text: RawSpan) -> [UInt8] {
        text.extracting(range).withUnsafeBytes { Array($0) }
    }

    /// `nil` for half a surrogate pair, which UTF-8 cannot express.
    private static func decode(_ range: Range<Int>, of text: RawSpan) -> [UInt8]? {
        guard range.contains(where: { text.byte(at: $0) == UInt8(ascii: "\\") }) else { return copy(range, of: text) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        var index = range.lowerBound
        while index < range.upperBound {
            let byte = text.byte(at: index)
            index += 1
            guard byte == UInt8(ascii: "\\"), index < range.upperBound else {
                bytes.append(byte)
                continue
            }
            let escape = text.byte(at: index)
            index += 1
            switch escape {
            case UInt8(ascii: "b"): bytes.append(0x08)
            case UInt8(ascii: "f"): bytes.append(0x0C)
            case UInt8(ascii: "n"): bytes.append(0x0A)
            case UInt8(ascii: "r"): bytes.append(0x0D)
            case UInt8(ascii: "t"): bytes.append(0x09)
            case UInt8(ascii: "u"):
                guard let scalar = scalar(at: &index, before: range.upperBound, of: text) else { return nil }
                bytes.append(contentsOf: String(scalar).utf8)
            default: bytes.append(escape)
            }
        }
        return bytes
    }

    /// What `XXXX` or `XXXX\uXXXX` at `index` stands for; `nil` for half a surrogate pair.
    private static func scalar(at index: inout Int, before end: Int, of text: RawSpan) -> Unicode.Scalar? {
        guard let first = JSONScanner.codeUnit(at: index, before: end, of: text) else { return nil }
        index += 4
        guard UTF16.isLeadSurrogate(first),
            let second = JSONScanner.trailSurrogate(at: index, before: end, of: text)
        else { return Unicode.Scalar(UInt32(first)) }
        index += 6
        return Unicode.Scalar(0x1_0000 + (UInt32(first) & 0x3FF) << 10 + (UInt32(second) & 0x3FF))
    }
}
