import NIOCore
import Testing
import WebSocketCore

@testable import WebSocketNIO

@Suite("The outbox", .timeLimit(.minutes(5)))
struct OutboxTests {
    private let runs = FrameRuns()

    private func drain(_ outbox: inout Outbox) -> [ByteBuffer] {
        var buffers: [ByteBuffer] = []
        while let piece = outbox.next() { buffers.append(piece.buffer) }
        return buffers
    }

    private func append(_ frame: WireFrame, to outbox: inout Outbox, key: UInt32? = nil) {
        frame.payload.withUnsafeBytes {
            outbox.append(
                frame.opcode == 1 ? .text : .binary, $0, isCompressed: frame.isCompressed, maskingKey: key)
        }
    }

    private func address(_ buffer: ByteBuffer?) -> UnsafeRawPointer? {
        buffer?.withUnsafeReadableBytes { $0.baseAddress }
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

    @Test("A large shared frame leaves as it is, without a copy, between the small ones before and after it")
    func largeByReference() {
        var one = Outbox()
        var other = Outbox()
        let large = SharedFrame(.binary, [UInt8](repeating: 5, count: 100_000))
        append(.text("before"), to: &one)
        other.append(SharedFrame(text: "small"), nil, runs)
        one.append(large, nil, runs)
        other.append(large, nil, runs)
        append(.text("after"), to: &one)
        let buffers = drain(&one)
        #expect(buffers.count == 3)
        #expect(buffers.flatMap { WireFrame.all(Array($0.readableBytesView)) }.map(\.payload.count) == [6, 100_000, 5])
        #expect(address(drain(&other).last) == address(buffers[1]))
    }

    @Test("Outboxes that got the same shared frames give the same buffer")
    func sharedRun() {
        let frames = (0..<20).map { SharedFrame(text: "message \($0)") }
        var outboxes = [Outbox](repeating: Outbox(), count: 30)
        for frame in frames {
            for index in outboxes.indices { outboxes[index].append(frame, nil, runs) }
        }
        let buffers = outboxes.indices.map { drain(&outboxes[$0]) }
        #expect(buffers.allSatisfy { $0.count == 1 })
        #expect(Set(buffers.map { address($0.first) }).count == 1)
        #expect(
            WireFrame.all(buffers[0].flatMap { Array($0.readableBytesView) }) == (0..<20).map { .text("message \($0)") }
        )
    }

    @Test("A frame that others hold too is never written into")
    func sharedIsNotTouched() {
        var one = Outbox()
        var other = Outbox()
        let frame = SharedFrame(text: "shared")
        one.append(frame, nil, runs)
        other.append(frame, nil, runs)
        let kept = other.nextOnly()
        append(.text("own"), to: &one)
        #expect(
            drain(&one).flatMap { WireFrame.all(Array($0.readableBytesView)) } == [.text("shared"), .text("own")])
        #expect(kept.map { Array($0.buffer.readableBytesView) } == WireFrame.text("shared").bare)
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

    @Test("Any sequence of own and shared frames comes out whole, in order, and counted", arguments: 0..<20)
    func againstModel(_ seed: UInt64) {
        var random = SplitMix(seed: seed)
        var outboxes = [Outbox](repeating: Outbox(), count: 4)
        var models = [[UInt8]](repeating: [], count: 4)
        let sizes = [0, 1, 5, 125, 126, 1_000, 16_383, 16_384, 16_400, 40_000, 65_536, 70_000]
        for _ in 0..<300 {
            if Int.random(in: 0..<10, using: &random) == 0 {
                let index = Int.random(in: 0..<4, using: &random)
                #expect(drain(&outboxes[index]).flatMap { Array($0.readableBytesView) } == models[index])
                models[index] = []
            }
            if Int.random(in: 0..<20, using: &random) == 0 { runs.endTurn() }
            let size = Int.random(in: 0..<4, using: &random) == 0 ? sizes.randomElement(using: &random) ?? 0 : 20
            let frame = WireFrame.binary([UInt8](repeating: .random(in: 0...255, using: &random), count: size))
            if Int.random(in: 0..<3, using: &random) > 0 {
                let shared = SharedFrame(.binary, frame.payload)
                for index in 0..<4 where Int.random(in: 0..<3, using: &random) > 0 {
                    outboxes[index].append(shared, nil, runs)
                    models[index] += frame.bare
                }
            } else {
                let index = Int.random(in: 0..<4, using: &random)
                append(frame, to: &outboxes[index])
                models[index] += frame.bare
            }
            #expect(outboxes.map(\.byteCount) == models.map(\.count))
        }
        for index in 0..<4 {
            #expect(drain(&outboxes[index]).flatMap { Array($0.readableBytesView) } == models[index])
            #expect(outboxes[index].isEmpty)
        }
    }

    @Test("Each buffer begins and ends with a whole frame, so that the rest can be dropped between any two")
    func wholeFrames() {
        var outbox = Outbox()
        for index in 0..<300 {
            let frame = WireFrame.binary([UInt8](repeating: 1, count: index * 37))
            if index % 3 == 0 {
                append(frame, to: &outbox)
            } else {
                outbox.append(SharedFrame(.binary, frame.payload), nil, runs)
            }
        }
        var count = 0
        for buffer in drain(&outbox) {
            var rest = Array(buffer.readableBytesView)
            while WireFrame(from: &rest) != nil { count += 1 }
            #expect(rest.isEmpty)
        }
        #expect(count == 300)
    }

    @Test("A long frame that comes in different turns is one buffer as long as a connection holds it")
    func longIsShared() throws {
        let frame = SharedFrame(.binary, [UInt8](repeating: 1, count: 100_000))
        func written() throws -> Outbox.Piece {
            var outbox = Outbox()
            outbox.append(frame, nil, runs)
            runs.endTurn()
            let piece = outbox.next()
            return try #require(piece)
        }
        let (first, second) = try (written(), written())
        let run = try #require(first.run)
        #expect(second.run === run && second.buffer == first.buffer)
    }

    @Test("What waits is counted down as buffers leave, and nothing waits after it was dropped")
    func countsDown() {
        var outbox = Outbox()
        for _ in 0..<200 { outbox.append(SharedFrame(.binary, [UInt8](repeating: 1, count: 20_000)), nil, runs) }
        let whole = 200 * 20_004
        #expect(outbox.byteCount == whole)
        for taken in 1...150 {
            _ = outbox.next()
            #expect(outbox.byteCount == whole - taken * 20_004)
        }
        outbox.append(SharedFrame(.binary, [UInt8](repeating: 1, count: 20_000)), nil, runs)
        #expect(outbox.byteCount == 51 * 20_004)
        #expect(outbox.nextOnly() == nil)
        outbox.removeAll()
        #expect(outbox.isEmpty && outbox.byteCount == 0 && outbox.next() == nil)
    }
}
