import Testing
import WebSocketCore

@Suite("Token lists (RFC 9110 §5.6.1)", .timeLimit(.minutes(5)))
struct TokenListTests {
    @Test(
        "A token is found in any element of any line, in any case",
        arguments: [
            ["Upgrade"], ["upgrade"], ["UPGRADE"], ["keep-alive, Upgrade"], ["keep-alive,Upgrade ,x"],
            ["keep-alive", "upgrade"], [",, \t,upgrade,,"], ["\tupgrade\t"], ["HTTP/2.0, upgrade"],
        ]
    )
    func contains(lines: [String]) {
        #expect(TokenList(lines).contains("Upgrade"))
    }

    @Test(
        "Nothing else counts as the token",
        arguments: [
            [], [""], [","], ["keep-alive"], ["upgrades"], ["upgrad"], ["up grade"], ["upgrade/1"], ["\"upgrade\""],
            ["upgrade;x"], ["upgrade x"], ["x upgrade"], ["upgrade\u{0}"], ["upgr\u{E4}de"], ["upgrade\u{301}"],
            ["up", "grade"], ["upgrade\u{A0}"],
        ]
    )
    func doesNotContain(lines: [String]) {
        #expect(!TokenList(lines).contains("upgrade"))
    }

    @Test(
        "Distinct tokens come in the order of all lines (RFC 6455 §11.3.4)",
        arguments: [
            ([], []), (["chat"], ["chat"]), (["chat, superchat"], ["chat", "superchat"]),
            (["chat,\tsuperchat ", "x"], ["chat", "superchat", "x"]), (["chat, Chat"], ["chat", "Chat"]),
            (["v1.a_b~!#$%&'*+-^`|"], ["v1.a_b~!#$%&'*+-^`|"]),
        ] as [([String], [String])]
    )
    func distinct(lines: [String], tokens: [String]) {
        #expect(TokenList(lines).distinctTokens() == tokens)
    }

    @Test(
        "Empty elements, repeated tokens and other characters are refused (RFC 6455 §4.1)",
        arguments: [
            [""], [" "], [","], ["chat,"], [",chat"], ["chat,,x"], ["chat, chat"], ["chat", "chat"], ["chat", ""],
            ["chat superchat"], ["chat/1"], ["chat;x"], ["\"chat\""], ["ch\u{E4}t"], ["chat\r\nX: y"], ["chat\u{0}"],
            ["chat, (x)"],
        ]
    )
    func notDistinct(lines: [String]) {
        #expect(TokenList(lines).distinctTokens() == nil)
    }

    @Test("A megabyte of commas, spaces or tokens is worked through once")
    func longLines() {
        let commas = String(repeating: ",", count: 1 << 20)
        let spaces = String(repeating: " ", count: 1 << 20)
        let spaced = String(repeating: "a \t", count: 1 << 18)
        #expect(!TokenList([commas, spaces, spaced]).contains("upgrade"))
        #expect(TokenList([commas + spaces + "upgrade" + spaces]).contains("upgrade"))
        for line in [commas, spaces, "a" + commas, "a" + spaces + "b"] {
            #expect(TokenList([line]).distinctTokens() == nil)
        }
        let many = (0..<50_000).map { "p\($0)" }
        #expect(TokenList([many.joined(separator: ",")]).distinctTokens() == many)
    }
}
