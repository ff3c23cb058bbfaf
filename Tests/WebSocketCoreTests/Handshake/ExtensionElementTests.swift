import Testing

@testable import WebSocketCore

@Suite("Extension lists (RFC 6455 §9.1)", .timeLimit(.minutes(5)))
struct ExtensionElementTests {
    private static func element(_ name: String, _ parameters: [(String, String?)] = []) -> ExtensionElement {
        ExtensionElement(name: name, parameters: parameters.map { .init(name: $0.0, value: $0.1) })
    }

    @Test(
        "Well-formed lists are read",
        arguments: [
            ([], []), ([""], []), ([" , ,\t"], []),
            (["foo"], [element("foo")]),
            (["foo, bar"], [element("foo"), element("bar")]),
            (["foo", "bar"], [element("foo"), element("bar")]),
            ([",foo,,bar,"], [element("foo"), element("bar")]),
            (["foo; a; b=1"], [element("foo", [("a", nil), ("b", "1")])]),
            ([" foo\t;a = 1 ;\tb , bar "], [element("foo", [("a", "1"), ("b", nil)]), element("bar")]),
            (["foo;a=\"1\""], [element("foo", [("a", "1")])]),
            (["foo; a=\"\\1\\0\" ; b, bar"], [element("foo", [("a", "10"), ("b", nil)]), element("bar")]),
            (["foo; a=1; a=2"], [element("foo", [("a", "1"), ("a", "2")])]),
            (
                ["permessage-deflate; client_max_window_bits, permessage-deflate; server_max_window_bits=\"10\""],
                [
                    element("permessage-deflate", [("client_max_window_bits", nil)]),
                    element("permessage-deflate", [("server_max_window_bits", "10")]),
                ]
            ),
            (
                ["__proto__; constructor=__proto__; x=-5"],
                [element("__proto__", [("constructor", "__proto__"), ("x", "-5")])]
            ),
        ] as [([String], [ExtensionElement])]
    )
    func wellFormed(lines: [String], elements: [ExtensionElement]) throws {
        #expect(try ExtensionElement.parse(lines) == elements)
    }

    @Test(
        "Broken lists are refused, whatever is broken",
        arguments: [
            ";", "=", "\"foo\"", "foo;", "foo; ", "foo;;a", "foo;a=", "foo;a=,bar", "foo;=1", "foo bar", "foo;a b",
            "foo;a=1 2", "foo;a=\"", "foo;a=\"1", "foo;a=\"1\\", "foo;a=\"1\\\"", "foo;a=\"\"", "foo;a=\"1 2\"",
            "foo;a=\"1,2\"", "foo;a=\"\\\"\"", "foo;a=\"1\"2", "foo;a=\"1\"\"2\"", "foo=1", "foo/1", "f\u{F6}o",
            "foo;a=\u{E9}", "foo;a=\"\u{E9}\"", "foo\u{0}", "foo;a=1\r\nX: y", "foo, ;", "foo;a=(1)",
            "foo;a=\"1\u{301}",
        ]
    )
    func malformed(line: String) {
        #expect(throws: HandshakeFailure.malformedExtensions) { try ExtensionElement.parse([line]) }
        #expect(throws: HandshakeFailure.malformedExtensions) { try ExtensionElement.parse(["ok", line]) }
    }

    @Test("Extensions and parameters are bounded, over all lines")
    func bounds() throws {
        let elements = [String](repeating: "x", count: ExtensionElement.maximumElements)
        #expect(try ExtensionElement.parse(elements).count == ExtensionElement.maximumElements)
        #expect(throws: HandshakeFailure.tooManyExtensions) { try ExtensionElement.parse(elements + ["x"]) }
        #expect(throws: HandshakeFailure.tooManyExtensions) {
            try ExtensionElement.parse([String(repeating: "x,", count: 10_000)])
        }
        let full = "x" + String(repeating: ";a=1", count: ExtensionElement.maximumParameters)
        #expect(try ExtensionElement.parse([full]).first?.parameters.count == ExtensionElement.maximumParameters)
        #expect(throws: HandshakeFailure.tooManyExtensions) { try ExtensionElement.parse([full + ";a"]) }
        #expect(throws: HandshakeFailure.tooManyExtensions) {
            try ExtensionElement.parse(["x" + String(repeating: "; a", count: 10_000)])
        }
    }

    @Test("A megabyte of one character is worked through once", arguments: [",", " ", "x", "\"", ";", "=", "\\"])
    func longLines(character: String) throws {
        let run = String(repeating: character, count: 1 << 20)
        let isFine = [",", " ", "x"].contains(character)
        #expect((try? ExtensionElement.parse([run])) != nil || !isFine)
        #expect((try? ExtensionElement.parse(["x;a=\"" + run])) == nil)
    }

    @Test(
        "What is written is read back the same",
        arguments: [
            "foo", "foo; a", "permessage-deflate; server_no_context_takeover; client_max_window_bits=15",
        ]
    )
    func serialised(text: String) throws {
        let elements = try ExtensionElement.parse([text])
        #expect(elements.map(\.description) == [text])
        #expect(ExtensionElement.fieldValue(elements + elements) == text + ", " + text)
    }

    @Test("Only tokens are well-formed")
    func wellFormedness() {
        #expect(Self.element("a", [("b", nil), ("c", "d")]).isWellFormed)
        let bad = [
            Self.element(""), Self.element("a,b"), Self.element("a", [("", nil)]), Self.element("a", [("b", "")]),
            Self.element("a", [("b", "c\r\n")]), Self.element("a", [("b c", nil)]),
        ]
        for element in bad { #expect(!element.isWellFormed) }
    }
}
