import Testing

@testable import RoomProtocol

@Suite("Forms", .timeLimit(.minutes(5)))
struct FormDecoderTests {
    private func pairs(_ form: [UInt8]) -> [[String]] {
        var decoder = FormDecoder()
        var pairs: [[String]] = []
        while let pair = decoder.next(in: form.span.bytes) {
            pairs.append(
                [pair.key, pair.value].map {
                    String(decoding: FormDecoder.decode($0, of: form.span.bytes), as: UTF8.self)
                })
        }
        return pairs
    }

    @Test(
        "Pairs are split at & and the first =; empty pairs are skipped",
        arguments: [
            ("", []),
            ("a=1", [["a", "1"]]),
            ("a=1&b=2", [["a", "1"], ["b", "2"]]),
            ("a=1=2==", [["a", "1=2=="]]),
            ("a", [["a", ""]]),
            ("a=", [["a", ""]]),
            ("=a", [["", "a"]]),
            ("=", [["", ""]]),
            ("&&a=1&&&b&", [["a", "1"], ["b", ""]]),
            ("&", []),
            ("a=1&a=2", [["a", "1"], ["a", "2"]]),
            ("a%3Db=c%26d", [["a=b", "c&d"]]),
        ] as [(String, [[String]])])
    func split(form: String, expected: [[String]]) {
        #expect(pairs(Array(form.utf8)) == expected)
    }

    @Test(
        "+ is a space, %XX a byte, a malformed % itself",
        arguments: [
            ("a+b", "a b"), ("%2B", "+"), ("%41%6a%6A", "Ajj"), ("%E4%BD%A0", "\u{4F60}"), ("\u{4F60}", "\u{4F60}"),
            ("%", "%"), ("%4", "%4"), ("100%", "100%"), ("%zz", "%zz"), ("%4z", "%4z"), ("%z4", "%z4"), ("%%41", "%A"),
            ("%+1", "% 1"), ("%25", "%"), ("%2541", "%41"), ("%00", "\0"), ("a%0Ab", "a\nb"),
        ])
    func decode(encoded: String, decoded: String) {
        #expect(pairs(Array("v=\(encoded)".utf8)) == [["v", decoded]])
    }

    @Test("A % at the end of a pair does not reach into the next one")
    func percentAtPairEnd() {
        #expect(pairs(Array("a=%&41=b".utf8)) == [["a", "%"], ["41", "b"]])
        #expect(pairs(Array("a=%4&1=b".utf8)) == [["a", "%4"], ["1", "b"]])
        #expect(pairs(Array("%4=1".utf8)) == [["%4", "1"]])
    }

    @Test(
        "Bytes that are no UTF-8 become U+FFFD",
        arguments: [
            ("%FF", "\u{FFFD}"), ("a%C3b", "a\u{FFFD}b"), ("%E4%BD", "\u{FFFD}"), ("%C0%80", "\u{FFFD}\u{FFFD}"),
            ("%ED%A0%80", "\u{FFFD}\u{FFFD}\u{FFFD}"), ("%F0%9F%98%80", "\u{1F600}"), ("%80", "\u{FFFD}"),
        ])
    func repaired(encoded: String, decoded: String) {
        #expect(pairs(Array("v=\(encoded)".utf8)) == [["v", decoded]])
    }

    @Test("Raw bytes that are no UTF-8 become U+FFFD, too")
    func repairedRaw() {
        #expect(pairs([0x76, 0x3D, 0xFF, 0x61]) == [["v", "\u{FFFD}a"]])
    }

    @Test("A form cut anywhere is a form")
    func cutAnywhere() {
        let form = Array("type=add&ming=%E4%BD%A0+x&a=%zz&&=b&c".utf8)
        for end in 0...form.count {
            let text = pairs(Array(form[..<end])).map { $0.joined(separator: "=") }.joined(separator: "&")
            #expect(text.utf8.count <= 2 * end + 1)
        }
    }
}
