import Testing
import WebSocketCore

@Suite("RFC 6455 §5.6: a message encoded once", .timeLimit(.minutes(5)))
struct SharedFrameTests {
    @Test(
        "A shared frame is one frame with FIN and without a mask (RFC 6455 §5.1, §5.6)",
        arguments: [0, 1, 125, 126, 65_535, 65_536])
    func form(_ length: Int) {
        let payload = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
        let frame = SharedFrame(.binary, payload)
        #expect(frame.kind == .binary)
        #expect(frame.bytes == RawFrame.binary(payload).bytes(to: .client))
        #expect(frame.headerBytes == (length < 126 ? 2 : length < 65_536 ? 4 : 10))
        #expect(Array(frame.payload) == payload)
    }

    @Test(
        "A frame around bytes with room for its header is the same frame (RFC 6455 §5.2)",
        arguments: [0, 1, 9, 10, 11, 12, 125, 126, 65_535, 65_536])
    func headerRoom(_ length: Int) {
        let payload = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
        let room = [UInt8](repeating: 0xEE, count: SharedFrame.headerRoom)
        let frame = SharedFrame(.text, behindHeaderRoom: room + payload)
        #expect(frame.kind == .text)
        #expect(frame.bytes == SharedFrame(.text, payload).bytes)
        #expect(frame.headerBytes == SharedFrame(.text, payload).headerBytes)
    }

    @Test("Bytes without even the room make an empty frame", arguments: 0..<4)
    func noHeaderRoom(_ count: Int) {
        let frame = SharedFrame(.text, behindHeaderRoom: [UInt8](repeating: 0xEE, count: count))
        #expect(frame.bytes == SharedFrame(.text, []).bytes)
    }

    @Test("A text is encoded as UTF-8 (RFC 6455 §5.6)")
    func text() {
        let frame = SharedFrame(text: "héllo 你好 😀")
        #expect(frame.kind == .text)
        #expect(frame.bytes == RawFrame.text("héllo 你好 😀").bytes(to: .client))
    }

    @Test("A collection that does not lie in one piece of memory makes the same frame")
    func anyCollection() {
        let frame = SharedFrame(.binary, (0..<300).lazy.map { UInt8(truncatingIfNeeded: $0) })
        #expect(frame.bytes == SharedFrame(.binary, (0..<300).map { UInt8(truncatingIfNeeded: $0) }).bytes)
    }
}
