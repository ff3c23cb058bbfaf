import Testing

@testable import RoomProtocol

@Suite("Text that is safe to show", .timeLimit(.minutes(5)))
struct PageTextTests {
    private func label(_ text: String) -> String {
        String(decoding: PageText.label(Array(text.utf8)).bytes, as: UTF8.self)
    }

    @Test(
        "Names: &lt; &gt; &quot; are undone, then < > \" and a & that begins a reference become fullwidth, others &amp;",
        arguments: [
            ("anna", "anna"),
            ("\u{5C0F}\u{660E}\u{1F600}", "\u{5C0F}\u{660E}\u{1F600}"),
            ("<b>", "\u{FF1C}b\u{FF1E}"),
            ("&lt;b&gt;", "\u{FF1C}b\u{FF1E}"),
            ("a & b", "a &amp; b"),
            ("a&b", "a\u{FF06}b"),
            ("&;&_&/&-", "&amp;;&amp;_&amp;/&amp;-"),
            ("&0&9&A&Z&a&z", "\u{FF06}0\u{FF06}9\u{FF06}A\u{FF06}Z\u{FF06}a\u{FF06}z"),
            ("a&amp;b", "a\u{FF06}amp;b"),
            ("&amp;lt;", "\u{FF06}amp;lt;"),
            ("&&amp;lt;", "&amp;\u{FF06}amp;lt;"),
            ("&LT;", "\u{FF06}LT;"),
            ("&#60;", "\u{FF06}#60;"),
            ("&lt", "\u{FF06}lt"),
            ("&\u{E9}", "&amp;\u{E9}"),
            ("&<", "&amp;\u{FF1C}"),
            ("&\0\u{80}lt;", "\u{FF06}lt;"),
            ("&", "\u{FF06}"),
            ("&\u{1}", "\u{FF06}"),
            ("say \"hi\"", "say \u{FF02}hi\u{FF02}"),
            ("&quot;", "\u{FF02}"),
            ("&&lt;;", "&amp;\u{FF1C};"),
            ("&l\0t;", "\u{FF06}lt;"),
            ("a\0b\u{1F}c\u{7F}d\u{80}e\u{9F}f\u{A0}g", "abcdef\u{A0}g"),
            ("a\n\r\tb", "ab"),
            ("\u{2028}\u{2029}", "\u{2028}\u{2029}"),
            ("O'Neill \\ `x`", "O'Neill \\ `x`"),
        ])
    func labels(text: String, safe: String) {
        #expect(label(text) == safe)
    }

    @Test("A name that a page has escaped is the name that it would have been unescaped")
    func pageThatEscapes() {
        #expect(label("&lt;img src=x onerror=alert(1)&gt;") == label("<img src=x onerror=alert(1)>"))
    }

    @Test(
        "Texts: raw < > \" become entities; what a page has already escaped stays as it is",
        arguments: [
            ("hello", "hello"),
            ("<img src=\"x\">", "&lt;img src=&quot;x&quot;&gt;"),
            ("&lt;b&gt; &quot;x&quot; &amp; & &#39;", "&lt;b&gt; &quot;x&quot; &amp; & &#39;"),
            ("&lt;<", "&lt;&lt;"),
            ("it's `x` \\", "it's `x` \\"),
            ("\u{4F60}\u{1F600}\0\n", "\u{4F60}\u{1F600}\0\n"),
        ])
    func messages(text: String, safe: String) {
        #expect(String(decoding: PageText.message(Array(text.utf8)), as: UTF8.self) == safe)
    }

    @Test("No text and no name of any two characters has markup left")
    func pairsOfCharacters() {
        let characters: [UInt8] = Array(0..<0x80)
        let markup = Set("<>\"".utf8)
        for first in characters {
            for second in characters {
                #expect(markup.isDisjoint(with: PageText.message([first, second])))
                #expect(markup.isDisjoint(with: PageText.label([first, second]).bytes))
            }
        }
    }
}
