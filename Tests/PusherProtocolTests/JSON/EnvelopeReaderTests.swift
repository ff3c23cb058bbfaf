import Foundation
import PusherProtocol
import Testing

@Suite("The reader of incoming JSON (RFC 8259)", .timeLimit(.minutes(5)))
struct EnvelopeReaderTests {
    private static func read(_ text: String) throws(EnvelopeError) -> JSONValue {
        try EnvelopeReader.read(Array(text.utf8).span.bytes)
    }

    private static func isRead(_ text: String) -> Bool { (try? read(text)) != nil }

    private static func member(_ name: StaticString, of text: String) throws -> String? {
        let bytes = Array(text.utf8)
        let value = try EnvelopeReader.read(bytes.span.bytes)
        return EnvelopeReader.member(name, of: value, in: bytes.span.bytes)
            .map { String(decoding: EnvelopeReader.raw($0, in: bytes.span.bytes), as: UTF8.self) }
    }

    private static func string(_ text: String) throws -> [UInt8]? {
        let bytes = Array(text.utf8)
        return EnvelopeReader.string(try EnvelopeReader.read(bytes.span.bytes), in: bytes.span.bytes)
    }

    @Test(
        "Row 104: any value may be a whole text, and is told by its kind",
        arguments: [
            ("null", JSONValue.Kind.null), ("[]", .array), (#""""#, .string), ("1", .number), ("true", .true),
            ("false", .false), ("{}", .object), (" \t\r\n{ } ", .object), ("-0.5e-7", .number),
        ])
    func kinds(text: String, kind: JSONValue.Kind) throws {
        #expect(try Self.read(text).kind == kind)
    }

    @Test(
        "What is no JSON is refused",
        arguments: [
            "", " ", "{", "}", "[", "]", "[1,]", "[,1]", "[1 2]", "{,}", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#,
            #"{"a" 1}"#, "{a:1}", #"{1:1}"#, "{'a':1}", #"{"a":1]"#, "[1}", #"""#, #""a"#, #""\"#, #""\x""#, #""\u12""#,
            #""\u12g4""#, "nul", "nulL", "True", "tru", "NaN", "Infinity", "-", "+1", "01", "-01", ".5", "1.", "1e",
            "1e+", "0x10", "1_000", "//a\n1", "1 // a", #"{"a":1 "b":2}"#, #"{"a"::1}"#, "\u{FEFF}1", "\u{A0}1",
        ])
    func refused(text: String) { #expect(!Self.isRead(text)) }

    @Test("Something after the value is refused, and its place is told", arguments: ["{}x", "1 2", "[]]", "{} {}"])
    func trailing(text: String) throws {
        let error = #expect(throws: EnvelopeError.self) { try Self.read(text) }
        #expect(error.map { $0 == .trailingBytes(at: $0.offset) } == true)
    }

    @Test("No beginning of a text is taken for the text")
    func prefixes() {
        let text = #"{"event":"a\u00e9\n","data":{"x":[1,-2.5e3,true,null,{"y":"z"}]},"channel":"c"}"#
        #expect(Self.isRead(text))
        for count in 0..<text.utf8.count {
            #expect(!Self.isRead(String(decoding: text.utf8.prefix(count), as: UTF8.self)))
        }
    }

    @Test("Row 107: 32 levels are read, more are refused at the 33rd", arguments: ["[", #"{"a":"#])
    func depth(opening: String) {
        func nested(_ depth: Int) -> String {
            String(repeating: opening, count: depth) + "1"
                + String(repeating: opening == "[" ? "]" : "}", count: depth)
        }
        #expect(Self.isRead(nested(1)))
        #expect(Self.isRead(nested(32)))
        for depth in [33, 160, 511, 100_000] {
            let error = #expect(throws: EnvelopeError.self) { try Self.read(nested(depth)) }
            #expect(error == .tooDeep(at: 32 * opening.utf8.count))
        }
        // Without an end too, so that nothing depends on finding one.
        #expect(!Self.isRead(String(repeating: opening, count: 100_000)))
    }

    @Test(
        "Row 108: a number is looked at and not converted",
        arguments: ["1e999999", "9223372036854775808", "-0", "123456789012345678901234567890", "1E-400", "0.1e+5"])
    func numbers(text: String) throws {
        let bytes = Array(text.utf8)
        let value = try EnvelopeReader.read(bytes.span.bytes)
        #expect(value.kind == .number)
        #expect(EnvelopeReader.wholeNumber(value, in: bytes.span.bytes) == nil)
        #expect(EnvelopeReader.raw(value, in: bytes.span.bytes) == bytes)
    }

    @Test("Row 108: ten million digits are a number, too")
    func longNumber() throws {
        let bytes = [UInt8](repeating: UInt8(ascii: "7"), count: 10_000_000)
        let value = try EnvelopeReader.read(bytes.span.bytes)
        #expect(value.range == 0..<bytes.count)
        #expect(EnvelopeReader.wholeNumber(value, in: bytes.span.bytes) == nil)
    }

    @Test("Whole numbers up to 2^53-1 are converted")
    func wholeNumbers() throws {
        for (text, number) in [
            ("0", UInt64(0)), ("7", 7), ("9007199254740991", 9_007_199_254_740_991), ("9007199254740992", nil),
            ("-1", nil), ("1.0", nil), ("1e3", nil), (#""7""#, nil),
        ] {
            let bytes = Array(text.utf8)
            let value = try EnvelopeReader.read(bytes.span.bytes)
            #expect(EnvelopeReader.wholeNumber(value, in: bytes.span.bytes) == number)
        }
    }

    @Test("Row 109: of a name that comes twice the last counts, however it is written")
    func duplicates() throws {
        #expect(try Self.member("a", of: #"{"a":1,"b":2,"a":3}"#) == "3")
        #expect(try Self.member("a", of: #"{"a":1,"\u0061":4}"#) == "4")
        #expect(try Self.member("a", of: #"{"\u0061":4,"a":1}"#) == "1")
        #expect(try Self.member("a", of: #"{"b":{"a":1},"A":2,"aa":3,"":4}"#) == nil)
        #expect(try Self.member("a", of: #"[{"a":1}]"#) == nil)
        #expect(try Self.member("__proto__", of: #"{"__proto__":{"a":1}}"#) == #"{"a":1}"#)
    }

    @Test(
        "Row 109: half a surrogate pair is refused",
        arguments: [
            #""\ud800""#, #""\udc00""#, #""\ud800x""#, #""\ud800\n""#, #""\ud800\ud800""#, #""\ud800\u0041""#,
            #""\udc00\ud800""#, #""\uD83D""#, #"{"\ud800":1}"#, #""\ud83d\ude0""#,
        ])
    func surrogates(text: String) { #expect(!Self.isRead(text)) }

    @Test("Row 109: control characters have to be escaped, NUL as well")
    func controlCharacters() throws {
        for byte in UInt8(0)..<0x20 {
            let error = #expect(throws: EnvelopeError.self) {
                try EnvelopeReader.read([0x22, 0x61, byte, 0x22].span.bytes)
            }
            #expect(error == .controlCharacter(at: 2))
        }
        #expect(try Self.string(#""\u0000\u001f""#) == [0, 0x1F])
    }

    @Test("Row 109: a byte order mark is refused")
    func byteOrderMark() {
        let error = #expect(throws: EnvelopeError.self) {
            try EnvelopeReader.read(([0xEF, 0xBB, 0xBF, 0x31] as [UInt8]).span.bytes)
        }
        #expect(error == .byteOrderMark(at: 0))
    }

    @Test("Row 110: an object with a hundred thousand members is read, and its last member found")
    func manyMembers() throws {
        let text = "{" + (0..<100_000).map { #""k\#($0)":\#($0)"# }.joined(separator: ",") + #","k7":"last"}"#
        #expect(try Self.member("k7", of: text) == #""last""#)
    }

    @Test("What strings stand for")
    func strings() throws {
        #expect(try Self.string(#""""#) == [])
        #expect(try Self.string(#""\"\\\/\b\f\n\r\t""#) == Array("\"\\/\u{8}\u{C}\n\r\t".utf8))
        #expect(try Self.string(#""\u00e9\u20AC\ud83d\ude00""#) == Array("\u{E9}\u{20AC}\u{1F600}".utf8))
        #expect(try Self.string(#""\ud800\udc00\udbff\udfff""#) == Array("\u{10000}\u{10FFFF}".utf8))
        #expect(try Self.string("\"caf\u{E9} \u{1F600}\"") == Array("caf\u{E9} \u{1F600}".utf8))
        #expect(try Self.string("1") == nil)
    }

    @Test("Members and elements come in their order, with whatever is inside them")
    func walks() throws {
        let bytes = Array(#" { "a" : [ 1 , "x\"]" , { "b" : 2 } , null ] , "c" : -1.5e3 , "d":true } "#.utf8)
        let text = bytes.span.bytes
        let object = try EnvelopeReader.read(text)
        var members = JSONMembers(of: object)
        var found: [String] = []
        while let member = members.next(in: text) {
            let name = EnvelopeReader.string(member.name, in: text).map { String(decoding: $0, as: UTF8.self) } ?? "?"
            found.append("\(name)=\(String(decoding: EnvelopeReader.raw(member.value, in: text), as: UTF8.self))")
        }
        #expect(found == [#"a=[ 1 , "x\"]" , { "b" : 2 } , null ]"#, "c=-1.5e3", "d=true"])
        let member = EnvelopeReader.member("a", of: object, in: text)
        let array = try #require(member)
        var elements = JSONElements(of: array)
        var kinds: [JSONValue.Kind] = []
        while let element = elements.next(in: text) { kinds.append(element.kind) }
        #expect(kinds == [.number, .string, .object, .null])
        var none = JSONElements(of: object)
        #expect(none.next(in: text) == nil)
    }

    @Test("Bytes that are no UTF-8 are refused where that is to be checked")
    func utf8() throws {
        for bytes: [UInt8] in [
            [0x22, 0xFF, 0x22], [0x22, 0xC3, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xC3],
        ] {
            #expect(throws: EnvelopeError.self) { try EnvelopeReader.read(bytes.span.bytes, checkingUTF8: true) }
        }
        #expect(try EnvelopeReader.read(Array("\"\u{E9}\"".utf8).span.bytes, checkingUTF8: true).kind == .string)
    }

    @Test("Texts of random pieces are taken and refused as another reader does", arguments: 0..<20)
    func differential(seed: Int) throws {
        let pieces = [
            "{", "}", "[", "]", ",", ":", #""a""#, #""\n""#, "\"", "\\", "1", "0", "-", ".", "e1", " ", "true", "null",
            #"{"a":1}"#, "[1,2]", #""\u0041""#, #","b":"#,
        ]
        var generator = SeededGenerator(seed: UInt64(seed))
        var agreed = 0
        for _ in 0..<2_000 {
            let text = (0..<Int.random(in: 1...9, using: &generator))
                .map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
            let isValid = (try? JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)) != nil
            #expect(Self.isRead(text) == isValid, "\(text)")
            agreed += isValid ? 1 : 0
        }
        #expect(agreed > 50)
    }
}
