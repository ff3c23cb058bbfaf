import Testing
import WebSocketCore

@Suite("RFC 6455 §5.2: composing a frame header", .timeLimit(.minutes(5)))
struct FrameHeaderTests {
    static let lengths: [(length: Int, bytes: [UInt8])] = [
        (0, [0]), (1, [1]), (125, [125]),
        (126, [126, 0, 126]), (127, [126, 0, 127]), (65_535, [126, 0xFF, 0xFF]),
        (65_536, [127, 0, 0, 0, 0, 0, 1, 0, 0]), (0x1_0000_0001, [127, 0, 0, 0, 1, 0, 0, 0, 1]),
        (.max, [127, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
    ]

    @Test("The length takes its shortest form (RFC 6455 §5.2)", arguments: lengths)
    func length(_ length: Int, _ expected: [UInt8]) {
        #expect(append(FrameHeader(opcode: .binary, payloadLength: length)) == [0x82] + expected)
    }

    @Test("A masking key sets the mask bit and stands behind the length (RFC 6455 §5.2)", arguments: lengths)
    func maskingKey(_ length: Int, _ plain: [UInt8]) {
        var expected = plain + [0x37, 0xFA, 0x21, 0x3D]
        expected[0] |= 0x80
        let header = FrameHeader(opcode: .text, maskingKey: 0x3D21_FA37, payloadLength: length)
        #expect(append(header) == [0x81] + expected)
    }

    @Test("FIN is the first bit, RSV1 the second, the opcode the last four (RFC 6455 §5.2)")
    func firstByte() {
        #expect(append(FrameHeader(isFinal: false, opcode: .continuation, payloadLength: 0)) == [0x00, 0])
        #expect(append(FrameHeader(isFinal: false, isCompressed: true, opcode: .text, payloadLength: 0)) == [0x41, 0])
        #expect(append(FrameHeader(opcode: .close, payloadLength: 2)) == [0x88, 2])
        #expect(append(FrameHeader(opcode: .ping, payloadLength: 0)) == [0x89, 0])
        #expect(append(FrameHeader(opcode: .pong, payloadLength: 0)) == [0x8A, 0])
    }

    @Test("A header written to memory is the same as one appended", arguments: lengths.map(\.length))
    func write(_ length: Int) {
        for key: UInt32? in [nil, 0x0102_0304] {
            for isFinal in [false, true] {
                let header = FrameHeader(
                    isFinal: isFinal, isCompressed: !isFinal, opcode: .binary, maskingKey: key, payloadLength: length)
                var space = [UInt8](repeating: 0xEE, count: FrameHeader.maximumBytes)
                let count = space.withUnsafeMutableBytes { header.write(to: $0) }
                #expect(Array(space[..<count]) == append(header))
                // No byte behind the header is touched but those of a longer form.
                #expect(space[count...].allSatisfy { $0 == 0xEE })
            }
        }
    }

    @Test("A header is not written where there may be too little space")
    func noSpace() {
        var space = [UInt8](repeating: 0xEE, count: FrameHeader.maximumBytes - 1)
        #expect(space.withUnsafeMutableBytes { FrameHeader(opcode: .text, payloadLength: 1).write(to: $0) } == 0)
        #expect(space.allSatisfy { $0 == 0xEE })
        #expect(FrameHeader(opcode: .text, payloadLength: 1).write(to: .init(start: nil, count: 0)) == 0)
    }

    @Test("What is composed is what the parser reads", arguments: [0, 1, 125, 126, 127, 65_535, 65_536])
    func roundTrip(_ length: Int) {
        for (role, key) in [(Role.server, UInt32(0x3D21_FA37)), (Role.client, nil)] {
            let payload = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            let header = FrameHeader(opcode: .binary, maskingKey: key, payloadLength: length)
            let bytes = append(header) + (key == nil ? payload : RawFrame.masked(payload, RawFrame.usualKey))
            var carrier = Carrier(role: role, limits: .large(1 << 20))
            carrier.receive(bytes)
            #expect(carrier.observations == [.message(.binary, payload)])
        }
    }

    private func append(_ header: FrameHeader) -> [UInt8] {
        var bytes: [UInt8] = []
        FrameHeader.append(
            isFinal: header.isFinal, isCompressed: header.isCompressed, opcode: header.opcode,
            maskingKey: header.maskingKey, payloadLength: header.payloadLength, to: &bytes)
        return bytes
    }
}
