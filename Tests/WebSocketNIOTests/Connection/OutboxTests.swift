import NIOCore
import Testing
import WebSocketCore

@testable import WebSocketNIO

@Suite("The outbox")
struct OutboxTests {
    private let allocator = ByteBufferAllocator()

    private func drain(_ outbox: inout Outbox) -> [ByteBuffer] {
        var buffers: [ByteBuffer] = []
        while let buffer = outbox.next() { buffers.append(buffer) }
        return buffers
    }

    private func append(_ frame: WireFrame, to outbox: inout Outbox, key: UInt32? = nil) {
        frame.payload.withUnsafeBytes {
            outbox.append(
                frame.opcode == 1 ? .text : .binary, $0, isCompressed: frame.isCompressed, maskingKey: key, allocator)
        }
    }

    @Test("Small frames leave in one buffer, in their order")
    func corks() {
        var outbox = Outbox()
        let frames = (0..<100).map { WireFrame.text("message \($0)") }
        for frame in frames { append(frame, to: &outbox) }
        let buffers = drain(&outbox)
        #expect(buffers.count == 1)
        #expect(buffers.flatMap { WireFrame.all(Array($0.readableBytesView)) } == frames)
        #expect(outbox.byteCount == 0)
    }

    @Test("A large frame leaves as it is, without a copy, between the small ones before and after it")
    func largeByReference() {
        var outbox = Outbox()
        let large = ByteBuffer(bytes: WireFrame.binary([UInt8](repeating: 5, count: 100_000)).bare)
        let address = large.withUnsafeReadableBytes { $0.baseAddress }
        append(.text("before"), to: &outbox)
        outbox.append(large, allocator)
        append(.text("after"), to: &outbox)
        let buffers = drain(&outbox)
        #expect(buffers.count == 3)
        #expect(buffers[1].withUnsafeReadableBytes { $0.baseAddress } == address)
        #expect(buffers.flatMap { WireFrame.all(Array($0.readableBytesView)) }.map(\.payload.count) == [6, 100_000, 5])
    }

    @Test("A lone small frame leaves by reference too")
    func loneByReference() {
        var outbox = Outbox()
        let frame = ByteBuffer(bytes: WireFrame.text("hello").bare)
        outbox.append(frame, allocator)
        #expect(
            drain(&outbox).first?.withUnsafeReadableBytes { $0.baseAddress }
                == frame.withUnsafeReadableBytes { $0.baseAddress })
    }

    @Test("A frame that others hold too is never written into")
    func sharedIsNotTouched() {
        var outbox = Outbox()
        let frame = ByteBuffer(bytes: WireFrame.text("shared").bare)
        outbox.append(frame, allocator)
        append(.text("own"), to: &outbox)
        #expect(
            drain(&outbox).flatMap { WireFrame.all(Array($0.readableBytesView)) } == [.text("shared"), .text("own")])
        #expect(Array(frame.readableBytesView) == WireFrame.text("shared").bare)
    }

    @Test("A client's frames are masked with their key (RFC 6455 §5.3)")
    func masks() {
        var outbox = Outbox()
        append(.text("hello"), to: &outbox, key: 0x7856_F412)
        append(.text("hello"), to: &outbox, key: 0)
        let bytes = drain(&outbox).flatMap { Array($0.readableBytesView) }
        #expect(Array(bytes.prefix(11)) == WireFrame.text("hello").masked)
        #expect(WireFrame.all(bytes).map(\.isMasked) == [true, true])
        #expect(WireFrame.all(bytes).map(\.payload) == [Array("hello".utf8), Array("hello".utf8)])
    }

    @Test("Any sequence of small, large and shared frames comes out whole, in order, and counted", arguments: 0..<20)
    func againstModel(_ seed: UInt64) {
        var random = SplitMix(seed: seed)
        var outbox = Outbox()
        var model: [UInt8] = []
        let sizes = [0, 1, 5, 125, 126, 1_000, 16_383, 16_384, 16_400, 40_000, 65_536, 70_000]
        for _ in 0..<200 {
            if Int.random(in: 0..<8, using: &random) == 0 {
                let out = drain(&outbox).flatMap { Array($0.readableBytesView) }
                #expect(out == model)
                model = []
            }
            let size = Int.random(in: 0..<4, using: &random) == 0 ? sizes.randomElement(using: &random) ?? 0 : 20
            let fill = UInt8.random(in: 0...255, using: &random)
            let frame = WireFrame.binary([UInt8](repeating: fill, count: size))
            if Bool.random(using: &random) {
                outbox.append(ByteBuffer(bytes: frame.bare), allocator)
            } else {
                append(frame, to: &outbox)
            }
            model += frame.bare
            #expect(outbox.byteCount == model.count)
        }
        #expect(drain(&outbox).flatMap { Array($0.readableBytesView) } == model)
        #expect(outbox.byteCount == 0)
    }

    @Test("What waits is counted down as buffers leave")
    func countsDown() {
        var outbox = Outbox()
        for _ in 0..<3 { outbox.append(ByteBuffer(bytes: [UInt8](repeating: 1, count: 20_000)), allocator) }
        #expect(outbox.byteCount == 60_000)
        _ = outbox.next()
        #expect(outbox.byteCount == 40_000)
        outbox.append(ByteBuffer(bytes: [UInt8](repeating: 1, count: 20_000)), allocator)
        #expect(outbox.byteCount == 60_000)
        _ = drain(&outbox)
        #expect(outbox.byteCount == 0)
    }
}
