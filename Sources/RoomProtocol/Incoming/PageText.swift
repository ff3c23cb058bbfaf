/// Makes what people write harmless for pages that trust everything.
///
/// Such a page runs `eval('var da=' + push)` and writes names and texts with `innerHTML`, some of them into attributes.
/// Who covers what:
/// - `eval`: the JSON is ASCII and escapes quotes, backslashes, `<`, `>`, `&`, U+2028 and U+2029, so a push is one
///   object literal and nothing else, see ``RoomEncoder``;
/// - `innerHTML`: no `<` or `>` is left in names, extras and texts, so no element can begin;
/// - attributes in double quotes: no `"` is left, so no attribute can end. In names it becomes U+FF02, which looks alike
///   and stays what it is when the page decodes entities and writes the result;
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
    /// U+FF02 FULLWIDTH QUOTATION MARK.
    private static let fullwidthQuotation: [UInt8] = [0xEF, 0xBC, 0x82]

    /// Turns `<`, `>` and `"` of a text into entities; what a page has already escaped stays as it is.
    static func message(_ text: [UInt8]) -> [UInt8] {
        guard text.contains(where: isMarkup) else { return text }
        var result: [UInt8] = []
        result.reserveCapacity(text.count + text.count / 8)
        for byte in text {
            switch byte {
            case UInt8(ascii: "<"): result += lessThan
            case UInt8(ascii: ">"): result += greaterThan
            case UInt8(ascii: "\""): result += quotation
            default: result.append(byte)
            }
        }
        return result
    }

    /// Makes a name or an extra out of UTF-8: `&lt; &gt; &quot;` are undone, then `&`, `<` and `>` become entities and
    /// `"` becomes U+FF02; control characters are dropped.
    ///
    /// Stops before the character that would be one too many, and never within an entity or a character.
    static func label(_ text: [UInt8], maximumCharacters: Int = .max, maximumBytes: Int = .max) -> Label {
        var result: [UInt8] = []
        var characters = 0
        var rest = text[...]
        while let first = rest.first {
            let unit: ArraySlice<UInt8>
            switch first {
            case UInt8(ascii: "&"):
                if rest.starts(with: lessThan) {
                    (unit, rest) = (lessThan[...], rest.dropFirst(lessThan.count))
                } else if rest.starts(with: greaterThan) {
                    (unit, rest) = (greaterThan[...], rest.dropFirst(greaterThan.count))
                } else if rest.starts(with: quotation) {
                    (unit, rest) = (fullwidthQuotation[...], rest.dropFirst(quotation.count))
                } else {
                    (unit, rest) = (ampersand[...], rest.dropFirst())
                }
            case UInt8(ascii: "<"): (unit, rest) = (lessThan[...], rest.dropFirst())
            case UInt8(ascii: ">"): (unit, rest) = (greaterThan[...], rest.dropFirst())
            case UInt8(ascii: "\""): (unit, rest) = (fullwidthQuotation[...], rest.dropFirst())
            default:
                let length = scalarLength(first)
                (unit, rest) = (rest.prefix(length), rest.dropFirst(length))
                if isControl(unit) { continue }
            }
            guard characters < maximumCharacters, result.count + unit.count <= maximumBytes else {
                return Label(bytes: result, isWhole: false)
            }
            characters += 1
            result += unit
        }
        return Label(bytes: result, isWhole: true)
    }

    /// Whether `key` can be the name of an extra as it stands: some UTF-8 without control characters and markup.
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

    /// C0, DEL and C1.
    private static func isControl(_ scalar: ArraySlice<UInt8>) -> Bool {
        guard let first = scalar.first, let last = scalar.last else { return false }
        return first < 0x20 || first == 0x7F || first == 0xC2 && last < 0xA0
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
