import Testing
import WebSocketCore

@Suite("Header fields (RFC 9110 §5)", .timeLimit(.minutes(5)))
struct HeaderFieldsTests {
    @Test("Names have no case, lines keep their order, values lose the whitespace around them")
    func lookup() {
        var fields = HeaderFields([("Host", " a "), ("X-One", "1"), ("HOST", "b\t")])
        fields.append("hOsT", "c")
        #expect(fields.values(of: "host") == ["a", "b", "c"])
        #expect(fields.values(of: "X-ONE") == ["1"])
        #expect(fields.values(of: "x-on").isEmpty)
        #expect(fields.all.map(\.name) == ["Host", "X-One", "HOST", "hOsT"])
        #expect(fields.all.map(\.value) == [" a ", "1", "b\t", "c"])
    }

    @Test("Names that only look the same are different")
    func lookalike() {
        let fields = HeaderFields([("e\u{301}", "1"), ("Host\u{0}", "2")])
        #expect(fields.values(of: "\u{E9}").isEmpty)
        #expect(fields.values(of: "Host").isEmpty)
        #expect(HeaderFields().values(of: "Host").isEmpty)
    }
}
