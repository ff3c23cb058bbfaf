import PusherProtocol
import Testing

@Suite("The writer of JSON", .timeLimit(.minutes(5)))
struct JSONWriterTests {
    private static func written(_ bytes: [UInt8]) -> [UInt8] {
        var writer = JSONWriter()
        writer.string(bytes)
        return writer.bytes
    }

    @Test("In strings quotation marks, backslashes and control characters are escaped, and nothing else")
    func escaping() {
        #expect(
            Self.written(Array("a\"b\\c/d<é\u{2028}\u{7F}😀".utf8)) == Array("\"a\\\"b\\\\c/d<é\u{2028}\u{7F}😀\"".utf8))
        #expect(
            Self.written([0, 8, 9, 10, 12, 13, 0x1B, 0x1F]) == Array(#""\u0000\u0008\t\n\u000c\r\u001b\u001f""#.utf8))
        #expect(Self.written([]) == Array(#""""#.utf8))
    }

    @Test("What is written is read as it was, each byte alone and all together")
    func roundTrip() throws {
        let texts = (UInt8(0)..<0x80).map { [$0] } + [Array(0..<0x80), Array("\u{E9}\u{20AC}\u{1F600}\"".utf8)]
        for text in texts {
            let written = Self.written(text)
            let value = try EnvelopeReader.read(written.span.bytes)
            #expect(EnvelopeReader.string(value, in: written.span.bytes) == text)
        }
    }

    @Test("Numbers and what is JSON already")
    func others() {
        var writer = JSONWriter(capacity: 64)
        writer.raw("[")
        writer.number(-5)
        writer.raw(Array(",".utf8))
        writer.number(UInt64.max)
        writer.raw(",")
        writer.string("x")
        writer.raw("]")
        #expect(String(decoding: writer.bytes, as: UTF8.self) == #"[-5,18446744073709551615,"x"]"#)
    }
}
