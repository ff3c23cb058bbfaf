import Testing

@testable import LoadGenerator

@Suite("The header of a payload", .timeLimit(.minutes(5)))
struct PayloadHeaderTests {
    private func bytes(_ header: PayloadHeader, seed: UInt64 = 7) -> [UInt8] {
        var bytes = [UInt8](repeating: 0xFF, count: PayloadHeader.byteCount + 2)
        bytes.withUnsafeMutableBytes { buffer in
            if let base = buffer.baseAddress { header.write(to: base + 1, seed: seed) }
        }
        #expect(bytes.first == 0xFF && bytes.last == 0xFF, "it writes 24 bytes and no more")
        return Array(bytes.dropFirst().dropLast())
    }

    private func header(_ bytes: [UInt8], seed: UInt64 = 7) -> PayloadHeader? {
        bytes.withUnsafeBytes { buffer in buffer.baseAddress.flatMap { PayloadHeader($0, seed: seed) } }
    }

    static let headers = [
        PayloadHeader(source: 0, sequence: 0, sentAt: 0),
        PayloadHeader(source: 1, sequence: 2, sentAt: 3),
        PayloadHeader(source: 0x12_3456, sequence: 0x1234_5678_9ABC, sentAt: 0xFEDC_BA98_7654),
        PayloadHeader(source: 0xFF_FFFF, sequence: 0xFFFF_FFFF_FFFF, sentAt: 0xFFFF_FFFF_FFFF),
    ]

    @Test("What was written is read again", arguments: headers)
    func roundTrip(_ original: PayloadHeader) {
        #expect(header(bytes(original)) == original)
    }

    @Test("Every single bit of each word survives", arguments: 0..<48)
    func bits(_ bit: Int) {
        let original = PayloadHeader(source: 1 << (bit % 24), sequence: 1 << bit, sentAt: 1 << (47 - bit))
        #expect(header(bytes(original)) == original)
    }

    @Test("The bytes are printable ASCII, so that they may stand in a text message", arguments: headers)
    func printable(_ header: PayloadHeader) {
        #expect(bytes(header).allSatisfy { 0x30...0x6F ~= $0 })
    }

    @Test("A changed bit is noticed, wherever it is", arguments: 0..<192)
    func damage(_ bit: Int) {
        var damaged = bytes(Self.headers[2])
        damaged[bit / 8] ^= 1 << (bit % 8)
        #expect(header(damaged) == nil)
    }

    @Test("The messages of another run are told apart")
    func otherSeed() {
        #expect(header(bytes(Self.headers[1], seed: 7), seed: 8) == nil)
    }
}
