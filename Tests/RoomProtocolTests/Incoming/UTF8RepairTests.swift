import Testing

@testable import RoomProtocol

@Suite("Bytes that are no UTF-8", .timeLimit(.minutes(5)))
struct UTF8RepairTests {
    @Test("They become what Swift's strings make of them, whatever bytes they are", arguments: 0..<40)
    func asStrings(_ seed: UInt64) {
        // Bytes that begin, go on and end scalar values, so that most of the rules are met often.
        let interesting: [UInt8] = [
            0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE,
            0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
        ]
        var state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1
        func random(_ count: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(truncatingIfNeeded: state >> 33) % count
        }
        for length in [0, 1, 2, 3, 4, 5, 40, 1_020, 1_024, 1_027, 5_000] {
            let bytes = (0..<length).map { _ in interesting[random(interesting.count)] }
            #expect(UTF8Repair.repaired(bytes) == Array(String(decoding: bytes, as: UTF8.self).utf8), "\(bytes)")
        }
    }
}
