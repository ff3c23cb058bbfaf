import Testing

@testable import WebSocketCore

@Suite("Base64 (RFC 4648 §4)", .timeLimit(.minutes(5)))
struct Base64Tests {
    @Test(
        "The vectors of RFC 4648 §10 come out",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ]
    )
    func vectors(plain: String, encoded: String) {
        #expect(Base64.encode(Array(plain.utf8)) == encoded)
    }

    @Test("Every value of every byte of a key survives, all 64 characters included")
    func roundTrip() {
        for seed in 0..<256 {
            let bytes = (0..<16).map { UInt8(truncatingIfNeeded: seed &+ $0 &* 37) }
            #expect(Base64.decodeSixteenBytes(Base64.encode(bytes)) == bytes)
        }
        #expect(Base64.encode([0xFB, 0xEF, 0xFF]) == "++//")
    }

    @Test(
        "Anything but 16 bytes in their one form is refused (RFC 6455 §4.2.1, RFC 4648 §3.5)",
        arguments: [
            "", "abc", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===",
            "dGhlIHNhbXBsZSBub25jZR==", "dGhlIHNhbXBsZSBub25jZf==", "dGhlIHNhbXBsZSBub25jZQ=A",
            "dGhlIHNhbXBsZSBub25jZQA=", "dGhlIHNhbXBsZSBub25jZQAA", "dGhlIHNhbXBsZSBub25jZ===",
            "dGhlIHNhbXBsZSBub25j-Q==", "dGhlIHNhbXBsZSBub25j_Q==", "dGhlIHNhbXBs ZSBub25jZQ=",
            " dGhlIHNhbXBsZSBub25jZQ=", "=GhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZ\u{E9}=",
        ]
    )
    func refused(text: String) {
        #expect(Base64.decodeSixteenBytes(text) == nil)
    }
}
