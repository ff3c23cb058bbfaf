import Testing
import WebSocketCore

@Suite("RFC 6455 §5.5.1: the close frame", .timeLimit(.minutes(5)))
struct CloseFrameTests {
    @Test(
        "A close frame with a legal code is answered with that code (RFC 6455 §5.5.1; Autobahn 7.7.1–7.7.13)",
        arguments: [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999])
    func legal(_ code: Int) {
        for role in PayloadLengthTests.roles {
            let plain = RawFrame.close(code).bytes(to: role)
            #expect(observeEverySplit(plain, role: role) == [.closed(code)])
            let withReason = RawFrame.close(code, Array("tschüß 再见 👋".utf8)).bytes(to: role)
            #expect(observeEverySplit(withReason, role: role) == [.closed(code)])
        }
    }

    @Test(
        "A close frame with another code is a protocol error (RFC 6455 §7.4; Autobahn 7.9.1–7.9.9, 7.13.1, 7.13.2)",
        arguments: [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535])
    func illegal(_ code: Int) {
        for role in PayloadLengthTests.roles {
            let bytes = RawFrame.close(code, Array("why".utf8)).bytes(to: role)
            #expect(observeEverySplit(bytes, role: role) == [.violation(.closeCodeInvalid)])
        }
    }

    @Test("A close frame without a code is answered with one without a code (RFC 6455 §5.5.1; Autobahn 7.3.1)")
    func empty() {
        #expect(observeEverySplit(RawFrame(opcode: 8).bytes()) == [.closed(nil)])
    }

    @Test("A close frame of one byte is a protocol error (RFC 6455 §5.5.1; Autobahn 7.3.2)")
    func oneByte() {
        let bytes = RawFrame(opcode: 8, payload: [3]).bytes()
        #expect(observeEverySplit(bytes) == [.violation(.closePayloadTooShort)])
    }

    @Test("A reason may have 123 bytes, and one more is a protocol error (RFC 6455 §5.5; Autobahn 7.3.3–7.3.6)")
    func reasonLength() {
        let longest = RawFrame.close(1000, [UInt8](repeating: 42, count: 123))
        #expect(observeEverySplit(longest.bytes()) == [.closed(1000)])
        let tooLong = RawFrame.close(1000, [UInt8](repeating: 42, count: 124))
        #expect(observeEverySplit(tooLong.bytes()) == [.violation(.controlFrameTooLong)])
    }

    @Test(
        "A reason that is not UTF-8 is answered with 1007 (RFC 6455 §5.5.1, §8.1; Autobahn 7.5.1)",
        arguments: [[0xCE, 0xBA, 0xF4, 0x90, 0x80, 0x80], [0xFF], [0xE4, 0xBD]] as [[UInt8]])
    func reasonUTF8(_ reason: [UInt8]) {
        let seen = observeEverySplit(RawFrame.close(1000, reason).bytes())
        #expect(seen == [.violation(.closeReasonInvalidUTF8)])
        #expect(ProtocolViolation.closeReasonInvalidUTF8.closeCode == .invalidPayload)
    }

    @Test("The code and the reason that were received are told (RFC 6455 §7.1.5, §7.1.6)")
    func outcome() {
        var carrier = Carrier()
        carrier.receive(RawFrame.close(4001, Array("再见".utf8)).bytes())
        #expect(carrier.machine.result == CloseOutcome(code: CloseCode(rawValue: 4001), reason: "再见", wasClean: true))
    }

    @Test("What follows a close frame is dropped (RFC 6455 §5.5.1; Autobahn 7.1.2–7.1.6)")
    func dataAfterClose() {
        let frames: [RawFrame] = [
            .text("before"), .close(1000), .text("after"), .ping([1]), .close(1001), RawFrame(opcode: 3),
        ]
        for role in PayloadLengthTests.roles {
            #expect(observeEverySplit(frames.bytes(to: role), role: role) == [.text("before"), .closed(1000)])
        }
    }

    @Test("A close frame inside a fragmented message ends it (RFC 6455 §5.4; Autobahn 7.1.5)")
    func insideMessage() {
        let frames: [RawFrame] = [
            .text("fragment1", isFinal: false), .close(1000), .continuation("fragment2", isFinal: true),
        ]
        #expect(observeEverySplit(frames.bytes()) == [.closed(1000)])
    }

    @Test("A frame to send has a code that may be sent (RFC 6455 §7.4)")
    func codeToSend() {
        #expect(CloseFrame(code: .normal).payload == [0x03, 0xE8])
        #expect(CloseFrame(code: .noStatusReceived).code == .internalError)
        #expect(CloseFrame(code: CloseCode(rawValue: 65_535), reason: "x").payload == [0x03, 0xF3, 0x78])
        #expect(CloseFrame(code: nil, reason: "ignored").payload.isEmpty)
        #expect(CloseFrame(code: nil, reason: "ignored").reason.isEmpty)
    }

    @Test(
        "A reason to send is cut at 123 bytes, between characters (RFC 6455 §5.5)",
        arguments: ["a", "é", "你", "😀"], 0..<5)
    func reasonToSend(_ character: String, _ offset: Int) {
        let size = character.utf8.count
        let reason = String(repeating: "x", count: offset) + String(repeating: character, count: 1000)
        let cut = CloseFrame(code: .normal, reason: reason).reason
        let fitting = (CloseFrame.maximumReasonBytes - offset) / size
        #expect(cut == String(repeating: "x", count: offset) + String(repeating: character, count: fitting))
        let payload = CloseFrame(code: .normal, reason: reason).payload
        #expect(payload.count <= 125 && payload.dropFirst(2).elementsEqual(cut.utf8))
    }

    @Test("A reason that just fits is not cut (RFC 6455 §5.5)")
    func fittingReason() {
        let reason = String(repeating: "你", count: 41)
        #expect(reason.utf8.count == 123 && CloseFrame(code: .normal, reason: reason).reason == reason)
    }
}
