/// Walks over a JSON text once and checks every byte of it (RFC 8259); its memory are two numbers.
struct JSONScanner {
    /// What may stand at the next place that is no white space.
    private enum Expectation {
        case value
        case firstElement
        case firstName
        case name
        case separator
    }

    /// Whether a string may have half a surrogate pair; RFC 8259 §8.2 leaves that to the reader.
    let allowsLoneSurrogates: Bool
    /// Where the first and the last of them begin.
    private(set) var loneSurrogates: ClosedRange<Int>?
    private var index = 0
    private var depth = 0
    /// One bit for each open container, the innermost lowest: 1 for an object.
    private var objects: UInt64 = 0

    init(allowsLoneSurrogates: Bool) { self.allowsLoneSurrogates = allowsLoneSurrogates }

    /// The value that `text` is.
    mutating func scan(_ text: RawSpan) throws(EnvelopeError) -> JSONValue {
        if Self.hasByteOrderMark(text) { throw .byteOrderMark(at: 0) }
        skipSpace(text)
        let start = index
        var kind: JSONValue.Kind?
        var expectation = Expectation.value
        repeat {
            skipSpace(text)
            guard index < text.byteCount else { throw .notJSON(at: index) }
            let byte = text.byte(at: index)
            switch expectation {
            case .firstElement where byte == UInt8(ascii: "]"), .firstName where byte == UInt8(ascii: "}"):
                expectation = close()
            case .value, .firstElement:
                let next = try value(byte, text)
                kind = kind ?? next.kind
                expectation = next.expectation
            case .firstName, .name: expectation = try name(byte, text)
            case .separator: expectation = try separator(byte)
            }
        } while depth > 0
        let end = index
        skipSpace(text)
        guard index == text.byteCount else { throw .trailingBytes(at: index) }
        return JSONValue(kind: kind ?? .null, range: start..<end)
    }

    /// The code unit that the four digits at `index` stand for; `nil` when there are none.
    static func codeUnit(at index: Int, before end: Int, of text: RawSpan) -> UInt16? {
        guard end - index >= 4 else { return nil }
        var unit: UInt16 = 0
        for offset in index..<index + 4 {
            let byte = text.byte(at: offset)
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte &- UInt8(ascii: "0")
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte &- UInt8(ascii: "A") &+ 10
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte &- UInt8(ascii: "a") &+ 10
            default: return nil
            }
            unit = unit << 4 | UInt16(digit)
        }
        return unit
    }

    /// The second half of a surrogate pair, if `\uXXXX` at `index` is one.
    static func trailSurrogate(at index: Int, before end: Int, of text: RawSpan) -> UInt16? {
        guard end - index >= 6, text.byte(at: index) == UInt8(ascii: "\\"),
            text.byte(at: index + 1) == UInt8(ascii: "u"), let unit = codeUnit(at: index + 2, before: end, of: text),
            UTF16.isTrailSurrogate(unit)
        else { return nil }
        return unit
    }

    private static func hasByteOrderMark(_ text: RawSpan) -> Bool {
        text.byteCount >= 3 && text.byte(at: 0) == 0xEF && text.byte(at: 1) == 0xBB && text.byte(at: 2) == 0xBF
    }

    private mutating func skipSpace(_ text: RawSpan) {
        while index < text.byteCount {
            switch text.byte(at: index) {
            case 0x20, 0x09, 0x0A, 0x0D: index += 1
            default: return
            }
        }
    }

    private mutating func open(object: Bool) throws(EnvelopeError) {
        guard depth < EnvelopeReader.maximumDepth else { throw .tooDeep(at: index) }
        depth += 1
        objects = objects << 1 | (object ? 1 : 0)
        index += 1
    }

    private mutating func close() -> Expectation {
        depth -= 1
        objects >>= 1
        index += 1
        return .separator
    }

    private mutating func value(
        _ byte: UInt8, _ text: RawSpan
    ) throws(EnvelopeError) -> (kind: JSONValue.Kind, expectation: Expectation) {
        switch byte {
        case UInt8(ascii: "{"):
            try open(object: true)
            return (.object, .firstName)
        case UInt8(ascii: "["):
            try open(object: false)
            return (.array, .firstElement)
        case UInt8(ascii: "\""):
            try string(text)
            return (.string, .separator)
        case UInt8(ascii: "t"):
            try literal("true", text)
            return (.true, .separator)
        case UInt8(ascii: "f"):
            try literal("false", text)
            return (.false, .separator)
        case UInt8(ascii: "n"):
            try literal("null", text)
            return (.null, .separator)
        default:
            try number(text)
            return (.number, .separator)
        }
    }

    private mutating func name(_ byte: UInt8, _ text: RawSpan) throws(EnvelopeError) -> Expectation {
        guard byte == UInt8(ascii: "\"") else { throw .notJSON(at: index) }
        try string(text)
        skipSpace(text)
        guard index < text.byteCount, text.byte(at: index) == UInt8(ascii: ":") else { throw .notJSON(at: index) }
        index += 1
        return .value
    }

    private mutating func separator(_ byte: UInt8) throws(EnvelopeError) -> Expectation {
        let isInObject = objects & 1 == 1
        switch byte {
        case UInt8(ascii: ","):
            index += 1
            return isInObject ? .name : .value
        case UInt8(ascii: "}") where isInObject, UInt8(ascii: "]") where !isInObject: return close()
        default: throw .notJSON(at: index)
        }
    }

    private mutating func string(_ text: RawSpan) throws(EnvelopeError) {
        index += 1
        while index < text.byteCount {
            switch text.byte(at: index) {
            case UInt8(ascii: "\""):
                index += 1
                return
            case UInt8(ascii: "\\"): try escape(text)
            case ..<0x20: throw .controlCharacter(at: index)
            default: index += 1
            }
        }
        throw .notJSON(at: index)
    }

    private mutating func escape(_ text: RawSpan) throws(EnvelopeError) {
        let start = index
        guard index + 1 < text.byteCount else { throw .notJSON(at: start) }
        let byte = text.byte(at: index + 1)
        index += 2
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return
        case UInt8(ascii: "u"): break
        default: throw .notJSON(at: start)
        }
        guard let unit = Self.codeUnit(at: index, before: text.byteCount, of: text) else { throw .notJSON(at: start) }
        index += 4
        guard UTF16.isSurrogate(unit) else { return }
        if UTF16.isLeadSurrogate(unit), Self.trailSurrogate(at: index, before: text.byteCount, of: text) != nil {
            index += 6
        } else if allowsLoneSurrogates {
            loneSurrogates = (loneSurrogates?.lowerBound ?? start)...start
        } else {
            throw .loneSurrogate(at: start)
        }
    }

    private mutating func literal(_ word: StaticString, _ text: RawSpan) throws(EnvelopeError) {
        let start = index
        let isThere = word.withUTF8Buffer { word in
            text.byteCount - start >= word.count && word.indices.allSatisfy { text.byte(at: start + $0) == word[$0] }
        }
        guard isThere else { throw .notJSON(at: start) }
        index += word.utf8CodeUnitCount
    }

    /// RFC 8259 §6: an optional minus, digits without a leading zero, an optional fraction, an optional exponent.
    private mutating func number(_ text: RawSpan) throws(EnvelopeError) {
        let start = index
        if byte(text) == UInt8(ascii: "-") { index += 1 }
        if byte(text) == UInt8(ascii: "0") {
            index += 1
        } else if skipDigits(text) == 0 {
            throw .notJSON(at: start)
        }
        if byte(text) == UInt8(ascii: ".") {
            index += 1
            guard skipDigits(text) > 0 else { throw .notJSON(at: start) }
        }
        if byte(text) == UInt8(ascii: "e") || byte(text) == UInt8(ascii: "E") {
            index += 1
            if byte(text) == UInt8(ascii: "+") || byte(text) == UInt8(ascii: "-") { index += 1 }
            guard skipDigits(text) > 0 else { throw .notJSON(at: start) }
        }
    }

    private mutating func skipDigits(_ text: RawSpan) -> Int {
        let start = index
        while let byte = byte(text), 0x30...0x39 ~= byte { index += 1 }
        return index - start
    }

    private func byte(_ text: RawSpan) -> UInt8? { index < text.byteCount ? text.byte(at: index) : nil }
}
