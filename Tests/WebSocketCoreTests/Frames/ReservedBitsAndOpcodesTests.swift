import Testing
import WebSocketCore

@Suite("RFC 6455 §5.2: reserved bits and opcodes", .timeLimit(.minutes(5)))
struct ReservedBitsAndOpcodesTests {
    @Test(
        "A reserved bit without an extension is a protocol error (RFC 6455 §5.2; Autobahn 3.1–3.7)",
        arguments: UInt8(1)...7, [UInt8(0), 1, 2, 8, 9, 10])
    func reservedBits(_ bits: UInt8, _ opcode: UInt8) {
        for role in PayloadLengthTests.roles {
            // A continuation needs a message; what comes before the wrong frame is still handed on.
            var frames = [RawFrame.text("before"), RawFrame(reserved: bits, opcode: opcode, payload: [72, 105])]
            var expected: [Observation] = [.text("before"), .violation(.reservedBits)]
            if opcode == 0 {
                frames[0].isFinal = false
                expected.removeFirst()
            }
            #expect(observeEverySplit(frames.bytes(to: role), role: role) == expected)
        }
    }

    @Test(
        "A reserved opcode is a protocol error (RFC 6455 §5.2; Autobahn 4.1.1–4.2.5)",
        arguments: [UInt8(3), 4, 5, 6, 7, 11, 12, 13, 14, 15])
    func reservedOpcode(_ opcode: UInt8) {
        for role in PayloadLengthTests.roles {
            for payload in [[], [UInt8](repeating: 7, count: 20)] {
                let frames = [RawFrame.text("Hello"), RawFrame(opcode: opcode, payload: payload), .ping()]
                let expected: [Observation] = [.text("Hello"), .violation(.reservedOpcode)]
                #expect(observeEverySplit(frames.bytes(to: role), role: role) == expected)
            }
        }
    }

    @Test("The defined opcodes are those of the registry (RFC 6455 §11.8)")
    func opcodes() {
        let known: [UInt8: Opcode] = [
            0: .continuation, 1: .text, 2: .binary, 8: .close, 9: .ping, 10: .pong,
        ]
        for number in UInt8.min...UInt8.max { #expect(Opcode(rawValue: number) == known[number]) }
        for (number, opcode) in known { #expect(opcode.isControl == (number >= 8)) }
        #expect(MessageKind.text.opcode == .text && MessageKind.binary.opcode == .binary)
    }

    @Test("RSV1 is legal on the first frame of a message once compression is negotiated (RFC 7692 §6)")
    func negotiated() {
        let frames = [
            RawFrame(reserved: 4, opcode: 1, payload: Array("whole".utf8)),
            RawFrame(isFinal: false, reserved: 4, opcode: 2, payload: [1, 2]), .ping([3]),
            .continuation([], isFinal: false), .continuation([4], isFinal: true),
            .text("plain"),
        ]
        let seen = observeEverySplit(frames.bytes(), decompressor: { FakeDecompressor() })
        #expect(seen == [.text("whole"), .pong([3]), .message(.binary, [1, 2, 4]), .text("plain")])
    }

    @Test(
        "RSV1 on a continuation or a control frame is a protocol error also with compression (RFC 7692 §6.1)",
        arguments: [UInt8(0), 8, 9, 10])
    func negotiatedElsewhere(_ opcode: UInt8) {
        let frames = [
            RawFrame(isFinal: false, reserved: 4, opcode: 1, payload: [65]), RawFrame(reserved: 4, opcode: opcode),
        ]
        let seen = observeEverySplit(frames.bytes(), decompressor: { FakeDecompressor() })
        #expect(seen == [.violation(.reservedBits)])
    }

    @Test("RSV2 and RSV3 stay reserved with compression (RFC 7692 §6)", arguments: [UInt8(1), 2, 3, 5, 6, 7])
    func othersStayReserved(_ bits: UInt8) {
        let bytes = RawFrame(reserved: bits, opcode: 1, payload: [65]).bytes()
        #expect(observeEverySplit(bytes, decompressor: { FakeDecompressor() }) == [.violation(.reservedBits)])
    }
}
