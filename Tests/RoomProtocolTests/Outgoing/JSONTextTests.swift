import Foundation
import Testing

@testable import RoomProtocol

@Suite("JSON", .timeLimit(.minutes(5)))
struct JSONTextTests {
    private func string(_ text: [UInt8]) -> String {
        var json = JSONText()
        json.string(text)
        return String(decoding: json.bytes, as: UTF8.self)
    }

    @Test(
        "Strings are printable ASCII; everything else, and what means something to pages, is escaped",
        arguments: [
            ("", #""""#),
            ("a b/c", #""a b/c""#),
            ("\u{4F60}\u{597D}", #""\u4f60\u597d""#),
            ("\u{E9}", #""\u00e9""#),
            ("\u{1F600}", #""\ud83d\ude00""#),
            ("\u{10FFFF}\u{FFFF}\u{800}\u{7FF}\u{80}", #""\udbff\udfff\uffff\u0800\u07ff\u0080""#),
            ("<>&'", #""\u003c\u003e\u0026\u0027""#),
            ("\"\\", #""\u0022\u005c""#),
            ("\0\n\r\t\u{1F}\u{7F}", #""\u0000\u000a\u000d\u0009\u001f\u007f""#),
            ("\u{2028}\u{2029}", #""\u2028\u2029""#),
            ("a\u{4F60}b", #""a\u4f60b""#),
        ])
    func escaped(text: String, json: String) {
        #expect(string(Array(text.utf8)) == json)
    }

    @Test("What is written is what is read, for every scalar value")
    func roundTrip() throws {
        var text = ""
        for value in UInt32(0)...0x10FFFF {
            if let scalar = Unicode.Scalar(value) { text.unicodeScalars.append(scalar) }
        }
        let bytes = Array(text.utf8)
        let json = string(bytes)
        #expect(json.utf8.allSatisfy { (0x20...0x7E).contains($0) })
        #expect(json.utf8.count == JSONText.escapedBytes(bytes) + 2)
        let read = try JSONSerialization.jsonObject(with: Data(json.utf8), options: .fragmentsAllowed)
        #expect((read as? String).map { Array($0.utf8) == bytes } == true)
    }

    @Test(
        "Bytes that are no UTF-8 become U+FFFD and swallow nothing",
        arguments: [
            ([0xFF], 1), ([0x80], 1), ([0xC3], 1), ([0xC0, 0x80], 2), ([0xE4, 0xBD], 2), ([0xED, 0xA0, 0x80], 3),
            ([0xF0, 0x80, 0x80, 0x80], 4), ([0xF4, 0x90, 0x80, 0x80], 4), ([0xE0, 0x80, 0x80], 3), ([0xF8], 1),
        ] as [([UInt8], Int)])
    func malformed(bytes: [UInt8], count: Int) {
        let replacements = String(repeating: #"\ufffd"#, count: count)
        #expect(string(bytes) == "\"\(replacements)\"")
        #expect(string([97] + bytes + [98]) == "\"a\(replacements)b\"")
    }
}
