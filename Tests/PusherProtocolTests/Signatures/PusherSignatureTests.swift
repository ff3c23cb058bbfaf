import PusherProtocol
import Testing

@Suite("Signatures (pusher-protocol §6)", .timeLimit(.minutes(5)))
struct PusherSignatureTests {
    private static let secret: Secret = "7ad3773142a6692b25b8"

    @Test(
        "The vectors of the specification",
        arguments: [
            ("1234.1234:private-foobar", "58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4"),
            (
                #"1234.1234:presence-foobar:{"user_id":10,"user_info":{"name":"Mr. Channels"}}"#,
                "31935e7d86dba64c2a90aed31fdc61869f9b22ba9d8863bba239c03ca481bc80"
            ),
            (
                #"1234.1234::user::{"id":"12345"}"#,
                "4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba"
            ),
            (
                "POST\n/apps/3/events\nauth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0"
                    + "&body_md5=ec365a775a4cd0599faeb73354201b6f",
                "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c"
            ),
        ])
    func vectors(message: String, signature: String) {
        let message = Array(message.utf8)
        #expect(PusherSignature.sign(message, with: Self.secret) == Array(signature.utf8))
        #expect(PusherSignature.isValid(signature.utf8, of: message, with: Self.secret))
    }

    @Test("Row 136: a signature that differs in its first or its last digit is none")
    func oneDigit() {
        let message = Array("1234.1234:private-foobar".utf8)
        let signature = PusherSignature.sign(message, with: Self.secret)
        for index in signature.indices {
            var other = signature
            other[index] = other[index] == UInt8(ascii: "0") ? UInt8(ascii: "1") : UInt8(ascii: "0")
            #expect(!PusherSignature.isValid(other, of: message, with: Self.secret))
        }
    }

    @Test("Row 137: upper-case digits, too few, too many, and what are no digits make no signature")
    func form() {
        let message = Array("1234.1234:private-foobar".utf8)
        let signature = PusherSignature.sign(message, with: Self.secret)
        let text = String(decoding: signature, as: UTF8.self)
        for other in [
            "", "0", text.uppercased(), text + "00", String(text.dropLast(2)), "g" + text.dropFirst(), "\u{E9}",
        ] {
            #expect(!PusherSignature.isValid(other.utf8, of: message, with: Self.secret))
        }
    }

    @Test("The digest of a body is its MD5, that of no body included")
    func bodyDigest() {
        let body = Array(#"{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}"#.utf8)
        #expect(PusherSignature.bodyDigest(body) == Array("ec365a775a4cd0599faeb73354201b6f".utf8))
        #expect(PusherSignature.bodyDigest([]) == Array("d41d8cd98f00b204e9800998ecf8427e".utf8))
    }
}
