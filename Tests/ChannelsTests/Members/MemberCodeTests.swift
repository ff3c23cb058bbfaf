import Channels
import Testing

@Suite("Member codes", .timeLimit(.minutes(5)))
struct MemberCodeTests {
    @Test("A code is a letter, then letters and digits, and never \"all\"")
    func shape() throws {
        for _ in 0..<2_000 {
            let text = MemberCode().string
            #expect(try #/[a-z][a-z0-9]*/#.wholeMatch(in: text) != nil, "\(text)")
            #expect(text.utf8.count == MemberCode.textBytes)
        }
    }

    @Test("No code comes twice, and all of its digits vary")
    func unpredictable() {
        let texts = (0..<20_000).map { _ in MemberCode().text }
        #expect(Set(texts).count == texts.count)
        for position in 0..<MemberCode.textBytes {
            let digits = Set(texts.map { $0[position] })
            #expect(digits.count == (position == 0 ? 16 : 32), "position \(position)")
        }
    }

    @Test("The text of a code leads back to it")
    func roundTrip() {
        for _ in 0..<1_000 {
            let code = MemberCode()
            #expect(MemberCode(code.text) == code)
        }
    }

    @Test(
        "What is no code's text is no code",
        arguments: [
            "", "all", "aaaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaaaa", "qaaaaaaaaaaaaaaaaaaaaaaa",
            "2aaaaaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaaa1", "aaaaaaaaaaaaaaaaaaaaaaa8",
            "Aaaaaaaaaaaaaaaaaaaaaaaa",
            "aaaaaaaaaaaa aaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaa\u{E9}",
        ])
    func malformed(text: String) {
        #expect(MemberCode(Array(text.utf8)) == nil)
    }
}
