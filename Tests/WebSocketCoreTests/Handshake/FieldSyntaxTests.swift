import Testing

@testable import WebSocketCore

@Suite("Characters of HTTP fields (RFC 9110 §5.5, §5.6)", .timeLimit(.minutes(5)))
struct FieldSyntaxTests {
    @Test("A token has exactly the bytes of RFC 9110 §5.6.2")
    func tokenBytes() {
        let expected = Set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
        #expect(Set((0...255).filter(FieldSyntax.isTokenByte)) == expected)
        #expect(FieldSyntax.isToken("a"))
        #expect(!FieldSyntax.isToken(""))
        #expect(!FieldSyntax.isToken("a b"))
    }

    @Test("Hexadecimal digits and whitespace are told apart from their neighbours")
    func classes() {
        #expect(Set((0...255).filter(FieldSyntax.isHexDigit)) == Set("0123456789abcdefABCDEF".utf8))
        #expect(Set((0...255).filter(FieldSyntax.isWhitespace)) == [0x20, 0x09])
        #expect(Set((0...255).filter(FieldSyntax.isVisible)) == Set(0x21...0x7E))
    }

    @Test("A field value has no control characters but the tab (RFC 9110 §5.5)")
    func fieldValues() {
        #expect(FieldSyntax.isFieldValue("a b\tc é"))
        for bad in ["a\r\nb", "a\nb", "a\rb", "a\u{0}", "\u{7F}"] { #expect(!FieldSyntax.isFieldValue(bad)) }
    }

    @Test("Case is ignored for ASCII letters only, and bytes are compared, not characters")
    func comparison() {
        #expect(FieldSyntax.equalIgnoringCase("WebSocket".utf8, "websocKET".utf8))
        #expect(!FieldSyntax.equalIgnoringCase("websocket".utf8, "websockets".utf8))
        // U+212A, the Kelvin sign, lower-cases to k in Unicode.
        #expect(!FieldSyntax.equalIgnoringCase("websoc\u{212A}et".utf8, "websocket".utf8))
        #expect(!FieldSyntax.equalIgnoringCase("[".utf8, "{".utf8))
        #expect(!FieldSyntax.equal("\u{E9}", "e\u{301}"))
        #expect(FieldSyntax.lowercased("AZ[É") == "az[É")
    }

    @Test(
        "Spaces and tabs around a value go, those inside stay",
        arguments: [
            ("a", "a"), (" a", "a"), ("a\t", "a"), (" \t a b \t", "a b"), ("", ""), ("  \t", ""), (" é ", "é"),
        ]
    )
    func trimming(text: String, trimmed: String) {
        #expect(FieldSyntax.trimmed(text) == trimmed)
    }

    @Test("A percent sign needs two hexadecimal digits (RFC 3986 §2.1)")
    func escapes() {
        for good in ["", "a", "%20", "%aF%00", "%25a"] { #expect(FieldSyntax.hasValidEscapes(good.utf8)) }
        for bad in ["%", "%2", "%zz", "%2g", "%%20", "a%"] { #expect(!FieldSyntax.hasValidEscapes(bad.utf8)) }
    }

    @Test("A text for a message is short printable ASCII")
    func printable() {
        #expect(FieldSyntax.printable("a\r\né") == "a????")
        #expect(FieldSyntax.printable(String(repeating: "x", count: 100)).utf8.count == 64)
    }
}
