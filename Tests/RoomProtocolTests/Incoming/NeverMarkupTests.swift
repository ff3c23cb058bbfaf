import Testing

@testable import RoomProtocol

/// Writes a text with `innerHTML` and reads it back as text, as far as character references go (HTML, 13.2.5.72 on):
/// more of them than a browser knows, since any name counts that begins with one of these.
private enum Page {
    static let references: [(name: String, character: String)] = [
        ("lt", "<"), ("LT", "<"), ("gt", ">"), ("GT", ">"), ("quot", "\""), ("QUOT", "\""), ("amp", "&"), ("AMP", "&"),
    ]

    static func shown(_ html: String) -> String {
        var shown = ""
        var rest = Substring(html)
        while let first = rest.first {
            guard first == "&", let (character, count) = reference(rest.dropFirst()) else {
                shown.append(first)
                rest = rest.dropFirst()
                continue
            }
            shown += character
            rest = rest.dropFirst(1 + count)
        }
        return shown
    }

    private static func reference(_ text: Substring) -> (character: String, count: Int)? {
        if let known = references.first(where: { text.hasPrefix($0.name) }) {
            let count = known.name.count
            return (known.character, text.dropFirst(count).first == ";" ? count + 1 : count)
        }
        guard text.first == "#" else { return nil }
        let isHexadecimal = text.dropFirst().first.map { $0 == "x" || $0 == "X" } ?? false
        let prefix = isHexadecimal ? 2 : 1
        let digits = text.dropFirst(prefix).prefix { isHexadecimal ? $0.isHexDigit : $0.isASCII && $0.isNumber }
        guard let value = UInt32(digits, radix: isHexadecimal ? 16 : 10), let scalar = Unicode.Scalar(value) else {
            return nil
        }
        let count = prefix + digits.count
        return (String(scalar), text.dropFirst(count).first == ";" ? count + 1 : count)
    }
}

@Suite("Names that pages write through innerHTML again and again", .timeLimit(.minutes(5)))
struct NeverMarkupTests {
    private static let pieces = [
        "&", "&amp;", "&amp", "amp;", "&lt;", "lt;", "&lt", "<", ">", "\"", "&quot;", "&gt;", "gt;", "#60;", "#",
        "x3c;",
        "&#x3C;", "&#60", "60;", ";", " ", "\0", "\n", "\u{80}", "img src=x onerror=alert(1)", "b", "/", "\u{5C0F}",
        "\u{FF06}", "\u{FF1C}", "\u{1F600}", "&LT;", "&AMP;", "AMP;", "&;", "'",
    ]

    private func random(_ generator: inout SystemRandomNumberGenerator) -> [UInt8] {
        let count = Int.random(in: 1...12, using: &generator)
        return Array((0..<count).map { _ in Self.pieces.randomElement(using: &generator) ?? "" }.joined().utf8)
    }

    @Test("Read as text and written again five times, alone or one behind another, no name or extra has markup")
    func property() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<5_000 {
            let name = random(&generator)
            let extra = random(&generator)
            let cut = Int.random(in: 1...24, using: &generator)
            let labels = [
                PageText.label(name).bytes + PageText.label(extra).bytes,
                PageText.label(name, maximumBytes: cut).bytes + PageText.label(extra).bytes,
                PageText.label(name, maximumCharacters: cut).bytes + Array("lt;b".utf8),
            ]
            for label in labels {
                var text = String(decoding: label, as: UTF8.self)
                for _ in 0..<5 {
                    text = Page.shown(text)
                    #expect(
                        !text.contains { $0 == "<" || $0 == ">" || $0 == "\"" },
                        "\(String(decoding: name, as: UTF8.self)), \(String(decoding: extra, as: UTF8.self))")
                }
            }
        }
    }

    @Test("What this suite's page decodes is what a browser decodes")
    func page() {
        #expect(Page.shown("a &amp; b &lt;&LT&#60;&#x3c &amp;lt; &x; & &;") == "a & b <<<< &lt; &x; & &;")
    }
}
