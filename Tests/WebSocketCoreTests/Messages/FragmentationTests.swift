import Testing
import WebSocketCore

@Suite("RFC 6455 §5.4: fragmentation", .timeLimit(.minutes(5)))
struct FragmentationTests {
    static let roles = PayloadLengthTests.roles

    @Test("The fragments of a message are put together (RFC 6455 §5.4; Autobahn 5.3–5.5)", arguments: roles)
    func fragments(_ role: Role) {
        let text: [RawFrame] = [
            .text("fragment1", isFinal: false), .continuation("fragment2", isFinal: true), .text("next"),
        ]
        #expect(observeEverySplit(text.bytes(to: role), role: role) == [.text("fragment1fragment2"), .text("next")])
        let binary: [RawFrame] = [
            .binary([1], isFinal: false), .continuation([2, 3], isFinal: false), .continuation([4], isFinal: true),
        ]
        #expect(observeEverySplit(binary.bytes(to: role), role: role) == [.message(.binary, [1, 2, 3, 4])])
    }

    @Test("Empty fragments count as fragments and add nothing (RFC 6455 §5.4; Autobahn 6.1.1–6.1.3)", arguments: roles)
    func emptyFragments(_ role: Role) {
        let empty: [RawFrame] = [
            .text("", isFinal: false), .continuation("", isFinal: false), .continuation("", isFinal: true),
        ]
        #expect(observeEverySplit(empty.bytes(to: role), role: role) == [.text("")])
        let middle: [RawFrame] = [
            .text("", isFinal: false), .continuation("middle", isFinal: false), .continuation("", isFinal: true),
        ]
        #expect(observeEverySplit(middle.bytes(to: role), role: role) == [.text("middle")])
        #expect(observeEverySplit(RawFrame.text("").bytes(to: role), role: role) == [.text("")])
        #expect(observeEverySplit(RawFrame.binary([]).bytes(to: role), role: role) == [.message(.binary, [])])
    }

    @Test(
        "A continuation without a message is a protocol error (RFC 6455 §5.4; Autobahn 5.9–5.14)",
        arguments: [true, false], roles)
    func continuationWithoutStart(_ isFinal: Bool, _ role: Role) {
        let first = RawFrame.continuation("non-continuation payload", isFinal: isFinal)
        #expect(observeEverySplit(first.bytes(to: role), role: role) == [.violation(.continuationWithoutStart)])
        let later = [RawFrame.text("Hello"), first, RawFrame.text("never read")]
        let expected: [Observation] = [.text("Hello"), .violation(.continuationWithoutStart)]
        #expect(observeEverySplit(later.bytes(to: role), role: role) == expected)
    }

    @Test("A continuation after the end of a fragmented message is a protocol error (RFC 6455 §5.4; Autobahn 5.15)")
    func continuationAfterEnd() {
        let frames: [RawFrame] = [
            .text("fragment1", isFinal: false), .continuation("fragment2", isFinal: true),
            .continuation("fragment3", isFinal: false), .text("fragment4"),
        ]
        let expected: [Observation] = [.text("fragment1fragment2"), .violation(.continuationWithoutStart)]
        #expect(observeEverySplit(frames.bytes()) == expected)
    }

    @Test(
        "A new message inside a fragmented one is a protocol error (RFC 6455 §5.4; Autobahn 5.18)",
        arguments: [UInt8(1), 2], [true, false])
    func startInside(_ opcode: UInt8, _ isFinal: Bool) {
        for role in Self.roles {
            let second = RawFrame(isFinal: isFinal, opcode: opcode, payload: [65])
            let frames = [RawFrame.text("fragment1", isFinal: false), .ping([1]), second]
            let expected: [Observation] = [.pong([1]), .violation(.startInsideMessage)]
            #expect(observeEverySplit(frames.bytes(to: role), role: role) == expected)
        }
    }

    @Test("A message of many fragments with pings between them is put together (RFC 6455 §5.4; Autobahn 5.19, 5.20)")
    func manyWithPings() {
        let frames: [RawFrame] = [
            .text("fragment1", isFinal: false), .continuation("fragment2", isFinal: false), .ping([1]),
            .continuation("fragment3", isFinal: false), .continuation("fragment4", isFinal: false), .ping([2]),
            .continuation("fragment5", isFinal: true),
        ]
        let expected: [Observation] = [
            .pong([1]), .pong([2]), .text("fragment1fragment2fragment3fragment4fragment5"),
        ]
        #expect(observeEverySplit(frames.bytes()) == expected)
    }

    @Test("The pieces of a frame come as they arrive, and say whether the message ends (RFC 6455 §5.4)")
    func pieces() throws {
        var parser = FrameParser(
            role: .client, maximumMessageBytes: 100, maximumFragments: 2, acceptsCompression: false)
        #expect(!parser.isInsideMessage)
        var header: [UInt8] = [0x02, 3]
        var position = 0
        var event = try parser.nextInPlace(&header, &position)
        #expect(event == .needsInput)
        #expect(position == 2 && parser.isInsideMessage)
        var first: [UInt8] = [1]
        position = 0
        event = try parser.nextInPlace(&first, &position)
        #expect(event == .data(piece(0..<1, ends: false)))
        var rest: [UInt8] = [2, 3, 0x80, 1, 4]
        position = 0
        event = try parser.nextInPlace(&rest, &position)
        #expect(event == .data(piece(0..<2, ends: false)))
        #expect(parser.isInsideMessage)
        event = try parser.nextInPlace(&rest, &position)
        #expect(event == .data(piece(4..<5, ends: true)))
        #expect(position == 5 && !parser.isInsideMessage)
    }

    private func piece(_ range: Range<Int>, ends: Bool) -> FrameEvent.DataPiece {
        FrameEvent.DataPiece(kind: .binary, range: range, isWholeMessage: false, endsMessage: ends, isCompressed: false)
    }
}
