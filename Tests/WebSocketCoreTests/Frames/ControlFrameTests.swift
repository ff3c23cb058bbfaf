import Testing
import WebSocketCore

@Suite("RFC 6455 §5.5: control frames", .timeLimit(.minutes(5)))
struct ControlFrameTests {
    @Test(
        "A ping is answered with a pong of the same bytes (RFC 6455 §5.5.2; Autobahn 2.1–2.4, 2.6)",
        arguments: [[], Array("Hello, world!".utf8), [0x00, 0xFF, 0xFE, 0xFD], [UInt8](repeating: 0xFE, count: 125)])
    func ping(_ payload: [UInt8]) {
        for role in PayloadLengthTests.roles {
            #expect(observeEverySplit(RawFrame.ping(payload).bytes(to: role), role: role) == [.pong(payload)])
        }
    }

    @Test("Every ping of several gets its own pong, in order (RFC 6455 §5.5.3; Autobahn 2.10, 2.11)")
    func pings() {
        let frames = (0..<10).map { RawFrame.ping(Array("payload \($0)".utf8)) }
        #expect(observeEverySplit(frames.bytes()) == (0..<10).map { .pong(Array("payload \($0)".utf8)) })
    }

    @Test("A pong that nobody asked for is taken in silence (RFC 6455 §5.5.3; Autobahn 2.7–2.9)")
    func unsolicitedPong() {
        let frames = [RawFrame.pong(), .pong(Array("unsolicited".utf8)), .ping([1])]
        #expect(observeEverySplit(frames.bytes()) == [.pong([1])])
    }

    @Test(
        "A control frame of more than 125 bytes is a protocol error (RFC 6455 §5.5; Autobahn 2.5)",
        arguments: [UInt8(8), 9, 10], [126, 127, 65_536])
    func tooLong(_ opcode: UInt8, _ length: Int) {
        for role in PayloadLengthTests.roles {
            let bytes = RawFrame(opcode: opcode, payload: [UInt8](repeating: 0xFE, count: length)).bytes(to: role)
            #expect(observeEverySplit(Array(bytes.prefix(150)), role: role) == [.violation(.controlFrameTooLong)])
        }
    }

    @Test(
        "A control frame without FIN is a protocol error (RFC 6455 §5.5; Autobahn 5.1, 5.2)",
        arguments: [UInt8(8), 9, 10])
    func fragmented(_ opcode: UInt8) {
        for role in PayloadLengthTests.roles {
            let bytes = RawFrame(isFinal: false, opcode: opcode, payload: [1, 2]).bytes(to: role)
            #expect(observeEverySplit(bytes, role: role) == [.violation(.fragmentedControlFrame)])
        }
    }

    @Test("Control frames stand between the fragments of a message (RFC 6455 §5.4, §5.5; Autobahn 5.6–5.8)")
    func interleaved() {
        let frames: [RawFrame] = [
            .text("frag", isFinal: false), .ping([1]), .pong([2]), .continuation("", isFinal: false), .ping([]),
            .continuation("ment", isFinal: true), .ping([3]),
        ]
        let expected: [Observation] = [.pong([1]), .pong([]), .text("fragment"), .pong([3])]
        for role in PayloadLengthTests.roles {
            #expect(observeEverySplit(frames.bytes(to: role), role: role) == expected)
        }
    }

    @Test("A control frame stands between messages and leaves them as they are (RFC 6455 §5.5)")
    func betweenMessages() {
        let frames: [RawFrame] = [.text("one"), .ping([7, 7]), .binary([0, 1]), .pong([8]), .text("zwei – 二")]
        let expected: [Observation] = [.text("one"), .pong([7, 7]), .message(.binary, [0, 1]), .text("zwei – 二")]
        for role in PayloadLengthTests.roles {
            #expect(observeEverySplit(frames.bytes(to: role), role: role) == expected)
        }
    }
}
