import Testing

@testable import RoomProtocol

@Suite("Text that is safe to show")
struct PageTextTests {
    private func label(_ text: String) -> String {
        String(decoding: PageText.label(Array(text.utf8)).bytes, as: UTF8.self)
    }

    @Test(
        "Names: &lt; &gt; &quot; are undone, then & < > become entities and \" U+FF02; control characters go",
        arguments: [
            ("anna", "anna"),
            ("\u{5C0F}\u{660E}\u{1F600}", "\u{5C0F}\u{660E}\u{1F600}"),
            ("<b>", "&lt;b&gt;"),
            ("&lt;b&gt;", "&lt;b&gt;"),
            ("a&b", "a&amp;b"),
            ("a&amp;b", "a&amp;amp;b"),
            ("&amp;lt;", "&amp;amp;lt;"),
            ("&LT;", "&amp;LT;"),
            ("&#60;", "&amp;#60;"),
            ("&lt", "&amp;lt"),
            ("&", "&amp;"),
            ("say \"hi\"", "say \u{FF02}hi\u{FF02}"),
            ("&quot;", "\u{FF02}"),
            ("&&lt;;", "&amp;&lt;;"),
            ("&l\0t;", "&amp;lt;"),
            ("a\0b\u{1F}c\u{7F}d\u{80}e\u{9F}f\u{A0}g", "abcdef\u{A0}g"),
            ("a\n\r\tb", "ab"),
            ("\u{2028}\u{2029}", "\u{2028}\u{2029}"),
            ("O'Neill \\ `x`", "O'Neill \\ `x`"),
        ])
    func labels(text: String, safe: String) {
        #expect(label(text) == safe)
    }

    @Test("Made safe twice and decoded twice is what it was: nothing is lost by a page that escapes on its own")
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
