/// Makes what people write harmless for pages that trust everything.
///
/// Such a page runs `eval('var da=' + push)` and writes names and texts with `innerHTML`, some of them into attributes.
/// Who covers what:
/// - `eval`: the JSON is ASCII and escapes quotes, backslashes, `<`, `>`, `&`, U+2028 and U+2029, so a push is one
///   object literal and nothing else, see ``RoomEncoder``;
/// - `innerHTML`: no `<` or `>` is left in names, extras and texts, so no element can begin. Names and extras stay
///   harmless when a page reads one back as text, which decodes its entities, and writes that with `innerHTML` again,
///   however often: they have no character reference but `&amp;`, and no `&` that becomes another one when it is decoded;
/// - attributes in double quotes: no `"` is left, so no attribute can end;
/// - backslash, apostrophe and backtick are letters like others in all of these and stay. A page that puts names
///   into attributes in single quotes, or into a script in an attribute, is beyond what a server can mend without
///   spoiling names such as O'Neill.
enum PageText {
    /// A name or the value of an extra.
    struct Label: Equatable {
        var bytes: [UInt8]
        /// Whether it is all that was given.
        var isWhole: Bool
    }

    private static let lessThan = Array("&lt;".utf8)
    private static let greaterThan = Array("&gt;".utf8)
    private static let quotation = Array("&quot;".utf8)
    private static let ampersand = Array("&amp;".utf8)
    // What looks like the characters of markup, and is none however often it is decoded: U+FF1C, U+FF1E, U+FF02, U+FF06.
    private static let fullwidthLessThan = Array("\u{FF1C}".utf8)
    private static let fullwidthGreaterThan = Array("\u{FF1E}".utf8)
    private static let fullwidthQuotation = Array("\u{FF02}".utf8)
    private static let fullwidthAmpersand = Array("\u{FF06}".utf8)

    /// Turns `<`, `>` and `"` of a text into entities; what a page has already escaped stays as it is.
    static func message(_ text: [UInt8]) -> [UInt8] {
        guard text.contains(where: isMarkup) else { return text }
        var result: [UInt8] = []
        result.reserveCapacity(text.count + text.count / 8)
        var index = 0
        while index < text.count {
            // In pieces: reserving for the worst case at once would take six times the memory.
            let end = min(index + 1024, text.count)
            result.append(addingCapacity: quotation.count * (end - index)) { output in
                while index < end {
                    switch text[index] {
                    case UInt8(ascii: "<"): for byte in lessThan { output.append(byte) }
                    case UInt8(ascii: ">"): for byte in greaterThan { output.append(byte) }
                    case UInt8(ascii: "\""): for byte in quotation { output.append(byte) }
                    case let byte: output.append(byte)
                    }
                    index += 1
                }
            }
        }
        return result
    }

    /// Makes a name or an extra out of UTF-8: `&lt; &gt; &quot;` are undone, then `<`, `>` and `"` become their fullwidth
    /// forms; so does `&` where a character reference could begin, and elsewhere it becomes an entity. Control characters
    /// and those that turn the direction of text (``NameCharacters``) are dropped.
    ///
    /// Stops before the character that would be one too many, and never within an entity or a character.
    static func label(_ text: [UInt8], maximumCharacters: Int = .max, maximumBytes: Int = .max) -> Label {
        var result: [UInt8] = []
        var characters = 0
        var rest = text[...]
        while let unit = nextUnit(of: &rest) {
            guard characters < maximumCharacters, result.count + unit.count <= maximumBytes else {
                closeEnd(of: &result)
                return Label(bytes: result, isWhole: false)
            }
            characters += 1
            result += unit
        }
        closeEnd(of: &result)
        return Label(bytes: result, isWhole: true)
    }

    /// Takes off the next character that is shown, and gives what it becomes; `nil` at the end.
    private static func nextUnit(of rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        dropControls(&rest)
        guard let first = rest.first else { return nil }
        func take(_ count: Int, as unit: [UInt8]) -> ArraySlice<UInt8> {
            rest = rest.dropFirst(count)
            return unit[...]
        }
        switch first {
        case UInt8(ascii: "<"): return take(1, as: fullwidthLessThan)
        case UInt8(ascii: ">"): return take(1, as: fullwidthGreaterThan)
        case UInt8(ascii: "\""): return take(1, as: fullwidthQuotation)
        case UInt8(ascii: "&"):
            if rest.starts(with: lessThan) { return take(lessThan.count, as: fullwidthLessThan) }
            if rest.starts(with: greaterThan) { return take(greaterThan.count, as: fullwidthGreaterThan) }
            if rest.starts(with: quotation) { return take(quotation.count, as: fullwidthQuotation) }
            rest = rest.dropFirst()
            dropControls(&rest)
            return rest.first.map(continuesReference) ?? true ? fullwidthAmpersand[...] : ampersand[...]
        default:
            let length = scalarLength(first)
            defer { rest = rest.dropFirst(length) }
            return rest.prefix(length)
        }
    }

    /// Where a label was cut, its last `&` has lost what stood behind it: pages put one thing behind another.
    private static func closeEnd(of label: inout [UInt8]) {
        guard label.suffix(ampersand.count).elementsEqual(ampersand) else { return }
        label.removeLast(ampersand.count)
        label += fullwidthAmpersand
    }

    /// Whether a character reference can go on with a byte after its `&` (HTML, 13.2.5.72: a letter, a digit or `#`).
    private static func continuesReference(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "#"):
            true
        default: false
        }
    }

    private static func dropControls(_ rest: inout ArraySlice<UInt8>) {
        while let first = rest.first {
            let length = scalarLength(first)
            guard isControl(rest.prefix(length)) else { return }
            rest = rest.dropFirst(length)
        }
    }

    /// Whether `key` can be the name of an extra as it stands: some UTF-8 without control characters, markup and what
    /// turns text.
    ///
    /// Keys are taken or dropped, never mended, so that no two become one and none becomes a member of the protocol.
    static func isPlainKey(_ key: [UInt8]) -> Bool {
        guard !key.isEmpty, !key.contains(where: { isMarkup($0) || $0 == UInt8(ascii: "&") }) else { return false }
        // What is left for a label to change are control characters.
        return String(validating: key, as: UTF8.self) != nil && label(key).bytes == key
    }

    private static func isMarkup(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "<") || byte == UInt8(ascii: ">") || byte == UInt8(ascii: "\"")
    }

    /// C0, DEL and C1, and what turns the direction of text.
    private static func isControl(_ scalar: ArraySlice<UInt8>) -> Bool {
        guard let first = scalar.first, let last = scalar.last else { return false }
        switch first {
        case ..<0x20, 0x7F: return true
        case 0xC2: return last < 0xA0
        // The first bytes of all that turn it.
        case 0xD8, 0xE2:
            return NameCharacters.turnText(in: scalar)
        default: return false
        }
    }

    /// How many bytes the scalar value takes that begins with `first`.
    private static func scalarLength(_ first: UInt8) -> Int {
        switch first {
        case 0xF0...: 4
        case 0xE0...: 3
        case 0xC2...: 2
        default: 1
        }
    }
}
