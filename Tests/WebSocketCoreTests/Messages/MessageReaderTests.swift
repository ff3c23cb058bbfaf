import Testing
import WebSocketCore

@Suite("RFC 6455 §6.2: receiving messages", .timeLimit(.minutes(5)))
struct MessageReaderTests {
    @Test("A message that lies there whole is handed on where it is; only another one is assembled (RFC 6455 §6.2)")
    func whereItLies() throws {
        var reader = MessageReader(role: .client, limits: ConnectionLimits())
        let frames: [RawFrame] = [.text("whole"), .text("in ", isFinal: false), .continuation("two", isFinal: true)]
        var bytes = frames.bytes(to: .client)
        var position = 0
        try bytes.withUnsafeMutableBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            let input = UnsafeRawBufferPointer(bytes)
            let first = try reader.next(input, position: &position, output: base)
            #expect(first == .message(.text, 2..<7))
            #expect(!reader.isInsideMessage)
            let second = try reader.next(input, position: &position, output: base)
            #expect(second == .assembledMessage(.text, Array("in two".utf8)))
            let third = try reader.next(input, position: &position, output: base)
            #expect(third == .needsInput)
        }
    }

    @Test("What is held of an unfinished message is told, and given back at its end")
    func assembledBytes() throws {
        var carrier = Carrier()
        #expect(carrier.machine.assembledBytes == 0)
        carrier.receive(RawFrame.binary([1, 2, 3], isFinal: false).bytes())
        #expect(carrier.machine.assembledBytes >= 3)
        carrier.receive(RawFrame.continuation([4, 5], isFinal: false).bytes())
        #expect(carrier.machine.assembledBytes >= 5)
        carrier.receive(RawFrame.continuation([], isFinal: true).bytes())
        #expect(carrier.machine.assembledBytes == 0)
        #expect(carrier.observations == [.message(.binary, [1, 2, 3, 4, 5])])
    }

    @Test("A compressed message ends with its last piece, also an empty one (RFC 7692 §6.2)")
    func compressedPieces() {
        let decompressor = FakeDecompressor()
        var carrier = Carrier(decompressor: decompressor)
        carrier.receive(RawFrame(isFinal: false, reserved: 4, opcode: 1, payload: Array("ab".utf8)).bytes())
        #expect(decompressor.finals == 0)
        carrier.receive(RawFrame.continuation([], isFinal: true).bytes())
        #expect(decompressor.finals == 1)
        #expect(carrier.observations == [.text("ab")])
    }

    @Test("What is inflated counts also of a message that is not finished, and after a close nothing is inflated")
    func inflatedBytes() {
        let decompressor = FakeDecompressor()
        var carrier = Carrier(decompressor: decompressor)
        carrier.receive(RawFrame(isFinal: false, reserved: 4, opcode: 1, payload: Array("abc".utf8)).bytes())
        #expect(carrier.machine.takeHeavyBytes(0) == 3)
        #expect(carrier.machine.takeHeavyBytes(0) == 0)
        _ = carrier.machine.close(CloseFrame(code: .tryAgainLater), now: carrier.now)
        #expect(carrier.machine.assembledBytes == 0)
        carrier.receive(RawFrame.continuation(Array("de".utf8), isFinal: true).bytes())
        carrier.receive(RawFrame(reserved: 4, opcode: 1, payload: Array("fgh".utf8)).bytes())
        #expect(decompressor.finals == 0)
        #expect(carrier.machine.takeHeavyBytes(0) == 0)
        #expect(carrier.machine.assembledBytes == 0)
    }

    @Test("Compressed data that is damaged is answered with 1007 (RFC 7692 §7.2.2)")
    func damaged() {
        let bytes = RawFrame(reserved: 4, opcode: 1, payload: [65, 0xFF]).bytes()
        let seen = observeEverySplit(bytes, decompressor: { FakeDecompressor() })
        #expect(seen == [.violation(.compressedDataInvalid)])
        #expect(ProtocolViolation.compressedDataInvalid.closeCode == .invalidPayload)
    }

    @Test("The text that comes out of decompression is checked too (RFC 6455 §8.1, RFC 7692 §6.2)")
    func compressedText() {
        for payload: [UInt8] in [[65, 0xC0], [0xE4, 0xBD]] {
            let bytes = RawFrame(reserved: 4, opcode: 1, payload: payload).bytes()
            let seen = observeEverySplit(bytes, decompressor: { FakeDecompressor() })
            #expect(seen == [.violation(.textInvalidUTF8)])
        }
        let binary = RawFrame(reserved: 4, opcode: 2, payload: [65, 0xC0]).bytes()
        let seen = observeEverySplit(binary, decompressor: { FakeDecompressor() })
        #expect(seen == [.message(.binary, [65, 0xC0])])
    }
}
