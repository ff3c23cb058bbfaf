/// Reads a field value from left to right, each byte once, without a copy.
struct FieldScanner {
    private let text: String
    private var position: String.Index

    /// Starts at the first byte of a field value.
    init(_ text: String) {
        self.text = text
        position = text.utf8.startIndex
    }

    /// Whether every byte has been read.
    var isAtEnd: Bool { position == text.utf8.endIndex }

    /// The next byte, or `nil` at the end.
    private var next: UInt8? { isAtEnd ? nil : text.utf8[position] }

    private mutating func advance() { position = text.utf8.index(after: position) }

    private mutating func skip(while belongs: (UInt8) -> Bool) {
        while let byte = next, belongs(byte) { advance() }
    }

    /// Skips spaces and tabs (RFC 9110 §5.6.3).
    mutating func skipWhitespace() { skip(while: FieldSyntax.isWhitespace) }

    /// Skips the next byte if it is the given one; tells whether it was.
    mutating func accept(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        advance()
        return true
    }

    /// Reads a token (RFC 9110 §5.6.2); `nil`, and nothing read, when there is none.
    mutating func token() -> String? {
        let start = position
        skip(while: FieldSyntax.isTokenByte)
        return start == position ? nil : String(text[start..<position])
    }

    /// Reads a quoted string whose content is a token (RFC 6455 §9.1, RFC 9110 §5.6.4); `nil` when there is none.
    mutating func quotedToken() -> String? {
        guard accept(UInt8(ascii: "\"")) else { return nil }
        var content: [UInt8] = []
        while let byte = next, byte != UInt8(ascii: "\"") {
            advance()
            var plain = byte
            if byte == UInt8(ascii: "\\") {
                guard let escaped = next else { return nil }
                advance()
                plain = escaped
            }
            guard FieldSyntax.isTokenByte(plain) else { return nil }
            content.append(plain)
        }
        guard accept(UInt8(ascii: "\"")), !content.isEmpty else { return nil }
        return String(decoding: content, as: UTF8.self)
    }

    /// Reads up to the next comma or the end, and gives it without the spaces and tabs around it; may be empty.
    mutating func listElement() -> Substring.UTF8View {
        skipWhitespace()
        let start = position
        var end = position
        while let byte = next, byte != UInt8(ascii: ",") {
            advance()
            if !FieldSyntax.isWhitespace(byte) { end = position }
        }
        return text.utf8[start..<end]
    }
}
