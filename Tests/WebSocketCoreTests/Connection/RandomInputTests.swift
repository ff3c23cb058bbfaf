import Testing
import WebSocketCore

@Suite("RFC 6455 §5–§7: random input, judged as by a slow reference", .timeLimit(.minutes(5)))
struct RandomInputTests {
    static let limits: ConnectionLimits = {
        var limits = ConnectionLimits.withoutRates
        limits.maximumMessageBytes = 300
        limits.maximumFragments = 5
        return limits
    }()

    @Test("Random bytes lead to a close code and never to a trap", arguments: 0..<20)
    func bytes(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            expectSame(random.bytes(Int.random(in: 0...40, using: &random)), &random)
        }
    }

    @Test("Random frames, some of them damaged, lead to what the reference says", arguments: 0..<20)
    func frames(_ seed: UInt64) {
        var random = SeededGenerator(seed: 77_000 + seed)
        for _ in 0..<60 {
            for role in PayloadLengthTests.roles {
                var bytes = randomFrames(to: role, &random)
                if Int.random(in: 0..<3, using: &random) == 0, !bytes.isEmpty {
                    let position = Int.random(in: bytes.indices, using: &random)
                    bytes[position] ^= 1 << UInt8.random(in: 0...7, using: &random)
                }
                if Int.random(in: 0..<4, using: &random) == 0 {
                    bytes.removeLast(Int.random(in: 0...bytes.count, using: &random))
                }
                expectSame(bytes, role: role, &random)
            }
        }
    }

    /// Frames that follow each other legally, most of the time.
    private func randomFrames(to role: Role, _ random: inout SeededGenerator) -> [UInt8] {
        var bytes: [UInt8] = []
        var isInside = false
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            var frame: RawFrame
            switch Int.random(in: 0..<10, using: &random) {
            case 0: frame = .ping(random.bytes(Int.random(in: 0...125, using: &random)))
            case 1: frame = .pong(random.bytes(Int.random(in: 0...10, using: &random)))
            case 2 where Int.random(in: 0..<3, using: &random) == 0:
                frame = .close(Int.random(in: 995...1016, using: &random), Array("bye".utf8))
            default:
                let isFinal = Bool.random(using: &random)
                let length = [0, 1, 20, 125, 126, 130, 200].randomElement(using: &random) ?? 0
                frame = RawFrame(isFinal: isFinal, opcode: isInside ? 0 : UInt8.random(in: 1...2, using: &random))
                frame.payload = randomText(length, &random)
                isInside = !isFinal
            }
            if Int.random(in: 0..<25, using: &random) == 0 { frame.reserved = UInt8.random(in: 0...7, using: &random) }
            if Int.random(in: 0..<25, using: &random) == 0 { frame.opcode = UInt8.random(in: 0...15, using: &random) }
            if Int.random(in: 0..<25, using: &random) == 0 { frame.lengthForm = .sixteenBits }
            frame.key = random.bytes(4)
            let isMasked = (role == .server) != (Int.random(in: 0..<50, using: &random) == 0)
            bytes += frame.bytes(isMasked: isMasked)
        }
        return bytes
    }

    private func randomText(_ length: Int, _ random: inout SeededGenerator) -> [UInt8] {
        let characters = ["a", "Z", " ", "é", "ж", "你", "한", "😀"]
        var text: [UInt8] = []
        while text.count < length { text += Array((characters.randomElement(using: &random) ?? "a").utf8) }
        // Cut to the length, now and then inside a character.
        return Int.random(in: 0..<4, using: &random) == 0
            ? Array(text.prefix(length)) : Array(String(decoding: text, as: UTF8.self).utf8.prefix(text.count))
    }

    private func expectSame(
        _ bytes: [UInt8], role: Role = .server, _ random: inout SeededGenerator,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let expected = ReferenceReceiver.observe(bytes, role: role, limits: Self.limits)
        for memory in Carrier.Memory.allCases {
            for longest in [bytes.count, 1, 7, 90] {
                var carrier = Carrier(role: role, limits: Self.limits, memory: memory)
                var rest = bytes[...]
                while !rest.isEmpty {
                    let piece = rest.prefix(longest == 1 ? 1 : Int.random(in: 1...max(1, longest), using: &random))
                    rest = rest.dropFirst(piece.count)
                    carrier.receive(piece)
                }
                guard carrier.observations.map(\.withoutWords) != expected else { continue }
                Issue.record(
                    "\(bytes) to \(role): \(carrier.observations) instead of \(expected)",
                    sourceLocation: sourceLocation)
                return
            }
        }
    }
}
