import Testing
import WebSocketCore

@Suite("RFC 6455 §5.2: the payload length of what arrives", .timeLimit(.minutes(5)))
struct PayloadLengthTests {
    static let roles: [Role] = [.server, .client]

    @Test(
        "A message of any length arrives whole (RFC 6455 §5.2; Autobahn 1.1.1–1.1.6, 1.2.1–1.2.6)",
        arguments: [0, 1, 2, 63, 64, 65, 124, 125, 126, 127, 128, 200], roles)
    func short(_ length: Int, _ role: Role) {
        let payload = (0..<length).map { UInt8($0 % 95 + 32) }
        let text = RawFrame.text(payload).bytes(to: role)
        #expect(observeEverySplit(text, role: role) == [.message(.text, payload)])
        let binary = RawFrame.binary(payload).bytes(to: role)
        #expect(observeEverySplit(binary, role: role) == [.message(.binary, payload)])
    }

    @Test(
        "A message at the border of two forms of the length arrives whole (RFC 6455 §5.2; Autobahn 1.1.6–1.1.8)",
        arguments: [65_535, 65_536], roles)
    func long(_ length: Int, _ role: Role) {
        let payload = [UInt8](repeating: 42, count: length)
        let bytes = RawFrame.text(payload).bytes(to: role)
        #expect(observeEverySplit(bytes, role: role, limits: .large(65_536)) == [.message(.text, payload)])
    }

    @Test(
        "A length that is not in its shortest form is a protocol error (RFC 6455 §5.2)",
        arguments: [
            (.sixteenBits, 0), (.sixteenBits, 5), (.sixteenBits, 125),
            (.sixtyFourBits, 0), (.sixtyFourBits, 125), (.sixtyFourBits, 126), (.sixtyFourBits, 65_535),
        ] as [(RawFrame.LengthForm, UInt64)])
    func notMinimal(_ form: RawFrame.LengthForm, _ length: UInt64) {
        for role in Self.roles {
            let frame = RawFrame(opcode: 2, payload: [1, 2], lengthForm: form, declaredLength: length)
            #expect(observeEverySplit(frame.bytes(to: role), role: role) == [.violation(.lengthNotMinimal)])
        }
    }

    @Test(
        "A 64-bit length with its first bit set is a protocol error and no trap (RFC 6455 §5.2)",
        arguments: [0x8000_0000_0000_0000, 0x8000_0000_0000_0005, .max] as [UInt64])
    func firstBit(_ length: UInt64) {
        for role in Self.roles {
            let frame = RawFrame(opcode: 2, payload: [1], lengthForm: .sixtyFourBits, declaredLength: length)
            #expect(observeEverySplit(frame.bytes(to: role), role: role) == [.violation(.lengthTooLarge)])
        }
    }

    @Test(
        "A length above the limit is refused at the header (RFC 6455 §10.4)",
        arguments: [
            65_537, 0x10_0000, 0xFFFF_FFFF, 0x1_0000_0000, 0x1_0000_0001, 0x4000_0000_0000_0000, 0x7FFF_FFFF_FFFF_FFFF,
        ] as [UInt64])
    func aboveLimit(_ length: UInt64) {
        for role in Self.roles {
            let header = Array(RawFrame(opcode: 2, declaredLength: length).bytes(to: role).prefix(10))
            #expect(observeEverySplit(header, role: role) == [.violation(.messageTooBig)])
        }
    }

    @Test("A frame of more than 4 GiB is streamed where the limit allows it (RFC 6455 §5.2)")
    func streaming() throws {
        let length = UInt64(1) << 32 + 5
        let frame = RawFrame(opcode: 2, payload: [9, 8, 7], declaredLength: length)
        var parser = FrameParser(
            role: .server, maximumMessageBytes: .max, maximumFragments: .max, acceptsCompression: false)
        var bytes = frame.bytes(to: .server)
        var position = 0
        let event = try parser.nextInPlace(&bytes, &position)
        #expect(
            event
                == .data(
                    FrameEvent.DataPiece(
                        kind: .binary, range: 14..<17, isWholeMessage: false, endsMessage: false, isCompressed: false)))
        #expect(Array(bytes[14...]) == [9, 8, 7])
        #expect(parser.isInsideMessage)
        let end = try parser.nextInPlace(&bytes, &position)
        #expect(end == .needsInput)
    }

    @Test("A limit close to the largest number is no trap")
    func largestLimit() throws {
        var parser = FrameParser(
            role: .server, maximumMessageBytes: .max, maximumFragments: .max, acceptsCompression: true)
        var first = RawFrame(isFinal: false, reserved: 4, opcode: 2, payload: [1]).bytes()
        var position = 0
        _ = try parser.nextInPlace(&first, &position)
        var second = RawFrame(opcode: 0, declaredLength: UInt64(Int.max)).bytes()
        position = 0
        #expect(throws: ProtocolViolation.messageTooBig) { _ = try parser.nextInPlace(&second, &position) }
    }

    @Test("An empty read changes nothing")
    func emptyRead() throws {
        var parser = FrameParser(role: .server, maximumMessageBytes: 9, maximumFragments: 9, acceptsCompression: false)
        var position = 0
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1)
        defer { memory.deallocate() }
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        let event = try parser.next(nothing, position: &position, output: memory)
        #expect(event == .needsInput)
        var machine = ConnectionStateMachine(
            role: .server, limits: ConnectionLimits(), now: MonotonicInstant(milliseconds: 0))
        let now = MonotonicInstant(milliseconds: 0)
        let connectionEvent = machine.next(nothing, position: &position, output: memory, now: now)
        #expect(connectionEvent == .needsInput)
        #expect(position == 0)
    }
}

extension FrameParser {
    /// The next event of an array, unmasked in place.
    mutating func nextInPlace(
        _ bytes: inout [UInt8], _ position: inout Int
    ) throws(ProtocolViolation) -> FrameEvent {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count + 1, alignment: 1)
        defer { memory.deallocate() }
        memory.copyBytes(from: bytes)
        guard let base = memory.baseAddress else { return .needsInput }
        let input = UnsafeRawBufferPointer(start: base, count: bytes.count)
        let event = try next(input, position: &position, output: base)
        bytes = Array(memory.prefix(bytes.count))
        return event
    }
}
