import Testing

@testable import WebSocketCore

@Suite("SHA-1 (FIPS 180-4)", .timeLimit(.minutes(5)))
struct SHA1Tests {
    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }

    @Test(
        "The published examples come out",
        arguments: [
            ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
            ),
            (
                "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                    + "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
                "a49b2446a02c645bf419f995b67091253a04a259"
            ),
        ]
    )
    func publishedExamples(message: String, digest: String) {
        #expect(hex(SHA1.digest(of: Array(message.utf8))) == digest)
    }

    @Test(
        "The padding is right on both sides of each block border (FIPS 180-4 §5.1.1)",
        arguments: [
            (1, "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
            (3, "7e240de74fb1ed08fa08d38063f6a6a91462a815"),
            (4, "70c881d4a26984ddce795f6f71817c9cf4480e79"),
            (54, "b05d71c64979cb95fa74a33cdb31a40d258ae02e"),
            (55, "c1c8bbdc22796e28c0e15163d20899b65621d65a"),
            (56, "c2db330f6083854c99d4b5bfb6e8f29f201be699"),
            (57, "f08f24908d682555111be7ff6f004e78283d989a"),
            (60, "13d956033d9af449bfe2c4ef78c17c20469c4bf1"),
            (63, "03f09f5b158a7a8cdad920bddc29b81c18a551f5"),
            (64, "0098ba824b5c16427bd7a1122a5a442a25ec644d"),
            (65, "11655326c708d70319be2610e8a57d9a5b959d3b"),
            (118, "d0572de8e494e0b7b8e50302003fc4ae0596ef4d"),
            (119, "ee971065aaa017e0632a8ca6c77bb3bf8b1dfc56"),
            (120, "f34c1488385346a55709ba056ddd08280dd4c6d6"),
            (127, "89d95fa32ed44a7c610b7ee38517ddf57e0bb975"),
            (128, "ad5b3fdbcb526778c2839d2f151ea753995e26a0"),
            (129, "d96debf1bdcbc896e6c134ea76e8141f40d78536"),
        ]
    )
    func blockBorders(count: Int, digest: String) {
        #expect(hex(SHA1.digest(of: [UInt8](repeating: UInt8(ascii: "a"), count: count))) == digest)
    }

    @Test("A message of many blocks comes out right")
    func manyBlocks() {
        let message = [UInt8](repeating: UInt8(ascii: "a"), count: 100_000)
        #expect(hex(SHA1.digest(of: message)) == "c4d4b30851182fc4eb8675494d42fd7f17e29c93")
    }
}
