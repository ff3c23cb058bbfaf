import Testing

@testable import WebSocketCompression

@Suite("Gzip members", .timeLimit(.minutes(5)))
struct GzipMemberTests {
    /// `{"name":"n"}`
    private static let text = bytes(
        "1f8b0800000000000203ab56ca4bcc4d55b252ca53aa0500ab6c2a860c000000")
    /// 20,000 zeros.
    private static let zeros = bytes(
        "1f8b0800000000000203edc13101000000c2a0f54f6d0d0fa00000000000000000000000000000000000000078300253"
            + "2f97204e0000")
    /// `x`, with every field that a header can have (RFC 1952 §2.3.1).
    private static let named = bytes(
        "1f8b081e0000000000ff03006162636e616d6500636f6d6d656e74007818ab00008316dc8c01000000")
    private static let empty = bytes("1f8b080000000000020303000000000000000000")

    private static func bytes(_ digits: String) -> [UInt8] {
        let digits = Array(digits)
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(String(digits[$0...$0 + 1]), radix: 16) ?? 0 }
    }

    private func problem(_ member: [UInt8], maximumBytes: Int = 100) -> GzipMember.Problem? {
        do throws(GzipMember.Problem) {
            _ = try GzipMember.read(member, maximumBytes: maximumBytes)
            return nil
        } catch {
            return error
        }
    }

    @Test("A member is what was compressed, whatever its header has")
    func whole() throws {
        #expect(try GzipMember.read(Self.text, maximumBytes: 100) == Array(#"{"name":"n"}"#.utf8))
        #expect(try GzipMember.read(Self.named, maximumBytes: 100) == Array("x".utf8))
        #expect(try GzipMember.read(Self.empty, maximumBytes: 0) == [])
    }

    @Test("The limit is kept to the byte, and a bomb stops there")
    func limit() throws {
        #expect(try GzipMember.read(Self.zeros, maximumBytes: 20_000) == Array(repeating: 0, count: 20_000))
        for maximum in [0, 1, 1_000, 19_999] { #expect(problem(Self.zeros, maximumBytes: maximum) == .tooLong) }
    }

    @Test("Bytes behind it, a second member, one that was cut anywhere and one that was changed are malformed")
    func malformed() {
        #expect(problem(Self.text + [0]) == .malformed)
        #expect(problem(Self.text + Self.text) == .malformed)
        #expect(problem(Self.text + Self.empty) == .malformed)
        for count in 0..<Self.text.count { #expect(problem(Array(Self.text.prefix(count))) == .malformed, "\(count)") }
        // The header, the checksum and the length.
        for index in [0, 1, 2, 3] + Self.text.indices.suffix(8) {
            var changed = Self.text
            changed[index] ^= 0x20
            #expect(problem(changed) != nil, "\(index)")
        }
    }

    @Test("Other formats of zlib's are malformed")
    func formats() {
        let deflated = Array(Self.text[10..<(Self.text.count - 8)])
        #expect(problem(deflated) == .malformed)
        #expect(problem([0x78, 0x9C] + deflated) == .malformed)
        #expect(problem(Array(#"{"name":"n"}"#.utf8)) == .malformed)
    }
}
