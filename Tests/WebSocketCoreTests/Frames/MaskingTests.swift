import Testing
import WebSocketCore

@Suite("RFC 6455 §5.1, §5.3: masking", .timeLimit(.minutes(5)))
struct MaskingTests {
    static let keys: [UInt32] = [0, .max, 0x3D21_FA37, 0x0000_00FF, 0xFF00_0000, 0x0102_0408, 0x8000_0001]

    @Test("Byte i is XORed with byte i mod 4 of the key, at every length (RFC 6455 §5.3)", arguments: keys)
    func lengths(_ key: UInt32) {
        var random = SeededGenerator(seed: UInt64(key))
        for length in Array(0...130) + [255, 256, 257, 1023, 65_535, 65_536] {
            let bytes = random.bytes(length)
            let (masked, next) = apply(key, bytes)
            #expect(masked == RawFrame.masked(bytes, wireBytes(key)))
            #expect(wireBytes(next) == (0..<4).map { wireBytes(key)[($0 + length) % 4] })
        }
    }

    @Test("In place, from elsewhere and at every alignment it is the same (RFC 6455 §5.3)", arguments: 0..<16)
    func alignment(_ offset: Int) {
        var random = SeededGenerator(seed: 7)
        for length in [0, 1, 3, 7, 8, 9, 15, 16, 17, 63, 64, 65, 100, 129] {
            let bytes = random.bytes(length + 32)
            let key = UInt32.random(in: .min ... .max, using: &random)
            let masked = RawFrame.masked(Array(bytes[offset..<offset + length]), wireBytes(key))
            var memory = bytes
            memory.withUnsafeMutableBytes { memory in
                guard let base = memory.baseAddress else { return }
                Masking.apply(key, from: base + offset, to: base + offset, count: length)
            }
            // Nothing before and nothing behind is touched.
            #expect(memory == Array(bytes[..<offset]) + masked + Array(bytes[(offset + length)...]))
        }
    }

    @Test("In pieces, with the key handed on, it is the same as whole (RFC 6455 §5.3)")
    func pieces() {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<200 {
            let bytes = random.bytes(Int.random(in: 0...300, using: &random))
            let key = UInt32.random(in: .min ... .max, using: &random)
            var rest = bytes[...]
            var running = key
            var masked: [UInt8] = []
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 0...70, using: &random))
                rest = rest.dropFirst(piece.count)
                let (bytes, next) = apply(running, Array(piece))
                masked += bytes
                running = next
            }
            #expect(masked == RawFrame.masked(bytes, wireBytes(key)))
        }
    }

    @Test(
        "A server refuses a frame that is not masked (RFC 6455 §5.1)", arguments: [UInt8(0), 1, 2, 8, 9, 10], [0, 5])
    func maskExpected(_ opcode: UInt8, _ length: Int) {
        let bytes = RawFrame(opcode: opcode, payload: [UInt8](repeating: 65, count: length)).bytes(isMasked: false)
        #expect(observeEverySplit(bytes, role: .server) == [.violation(.maskExpected)])
    }

    @Test("A client refuses a frame that is masked (RFC 6455 §5.1)", arguments: [UInt8(0), 1, 2, 8, 9, 10], [0, 5])
    func maskUnexpected(_ opcode: UInt8, _ length: Int) {
        let bytes = RawFrame(opcode: opcode, payload: [UInt8](repeating: 65, count: length)).bytes(isMasked: true)
        #expect(observeEverySplit(bytes, role: .client) == [.violation(.maskUnexpected)])
    }

    @Test("Every key works, also one of zeros, for messages and control frames (RFC 6455 §5.3)", arguments: keys)
    func keysInFrames(_ key: UInt32) {
        var frames = [RawFrame.text("Hello, world: 你好 😀"), .ping([1, 2, 3, 4, 5]), .binary([0xFF, 0, 1])]
        for index in frames.indices { frames[index].key = wireBytes(key) }
        let expected: [Observation] = [
            .text("Hello, world: 你好 😀"), .pong([1, 2, 3, 4, 5]), .message(.binary, [0xFF, 0, 1]),
        ]
        #expect(observeEverySplit(frames.bytes()) == expected)
    }

    @Test("The examples of the RFC are read as it says (RFC 6455 §5.7)")
    func examples() {
        let masked: [UInt8] = [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58]
        #expect(observeEverySplit(masked, role: .server) == [.text("Hello")])
        let plain: [UInt8] = [0x81, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F]
        #expect(observeEverySplit(plain, role: .client) == [.text("Hello")])
        let fragments: [UInt8] = [0x01, 0x03, 0x48, 0x65, 0x6C, 0x80, 0x02, 0x6C, 0x6F]
        #expect(observeEverySplit(fragments, role: .client) == [.text("Hello")])
        let ping: [UInt8] = [0x89, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F]
        #expect(observeEverySplit(ping, role: .client) == [.pong(Array("Hello".utf8))])
        let pong: [UInt8] = [0x8A, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58]
        #expect(observeEverySplit(pong, role: .server).isEmpty)
        let binary = [0x82, 0x7E, 0x01, 0x00] + [UInt8](repeating: 3, count: 256)
        #expect(observeEverySplit(binary, role: .client) == [.message(.binary, Array(binary[4...]))])
    }

    private func apply(_ key: UInt32, _ bytes: [UInt8]) -> (bytes: [UInt8], next: UInt32) {
        var output = [UInt8](repeating: 0, count: bytes.count + 1)
        let next = (bytes + [0]).withUnsafeBytes { source in
            output.withUnsafeMutableBytes { destination in
                guard let from = source.baseAddress, let to = destination.baseAddress else { return UInt32(0) }
                return Masking.apply(key, from: from, to: to, count: bytes.count)
            }
        }
        #expect(output.last == 0)
        return (Array(output.dropLast()), next)
    }

    private func wireBytes(_ key: UInt32) -> [UInt8] {
        [UInt8(key & 255), UInt8(key >> 8 & 255), UInt8(key >> 16 & 255), UInt8(key >> 24)]
    }
}
