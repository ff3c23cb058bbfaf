import Testing
import WebSocketCore

@Suite("RFC 6455 §10.4: limits on messages", .timeLimit(.minutes(5)))
struct MessageLimitsTests {
    static let limits: ConnectionLimits = {
        var limits = ConnectionLimits.withoutRates
        limits.maximumMessageBytes = 200
        limits.maximumFragments = 4
        return limits
    }()

    @Test("A message at the limit is taken, one byte more is answered with 1009 (RFC 6455 §10.4)")
    func messageBytes() {
        for role in PayloadLengthTests.roles {
            let fits = RawFrame.binary([UInt8](repeating: 1, count: 200))
            let expected: [Observation] = [.message(.binary, fits.payload)]
            #expect(observeEverySplit(fits.bytes(to: role), role: role, limits: Self.limits) == expected)
            let exceeds = RawFrame.binary([UInt8](repeating: 1, count: 201))
            let seen = observeEverySplit(exceeds.bytes(to: role), role: role, limits: Self.limits)
            #expect(seen == [.violation(.messageTooBig)])
        }
        #expect(ProtocolViolation.messageTooBig.closeCode == .messageTooBig)
    }

    @Test("The limit is on the sum of the fragments, refused at the header of the one too much (RFC 6455 §10.4)")
    func sumOfFragments() {
        let fits: [RawFrame] = [
            .binary([UInt8](repeating: 1, count: 150), isFinal: false),
            .continuation([UInt8](repeating: 2, count: 50), isFinal: true),
        ]
        let whole: [Observation] = [.message(.binary, fits[0].payload + fits[1].payload)]
        #expect(observeEverySplit(fits.bytes(), limits: Self.limits) == whole)
        // Two bytes of the second header are enough to know.
        let tooMuch = RawFrame.continuation([UInt8](repeating: 2, count: 51), isFinal: true)
        let exceeds = fits[0].bytes() + tooMuch.bytes()[..<2]
        #expect(observeEverySplit(exceeds, limits: Self.limits) == [.violation(.messageTooBig)])
    }

    @Test("The next message has the limit to itself again")
    func nextMessage() {
        let message: [RawFrame] = [
            .binary([UInt8](repeating: 1, count: 199), isFinal: false), .continuation([1], isFinal: true),
        ]
        let whole = Observation.message(.binary, [UInt8](repeating: 1, count: 200))
        #expect(observeEverySplit((message + message).bytes(), limits: Self.limits) == [whole, whole])
    }

    @Test("A message may have so many fragments, the empty ones counted; more are answered with 1008")
    func fragmentCount() {
        let start: [RawFrame] = [.text("", isFinal: false), .continuation("", isFinal: false), .ping([5])]
        let fits = start + [.continuation("a", isFinal: false), .continuation("b", isFinal: true), .text("c")]
        #expect(observeEverySplit(fits.bytes(), limits: Self.limits) == [.pong([5]), .text("ab"), .text("c")])
        let exceeds = start + [RawFrame](repeating: .continuation("", isFinal: false), count: 3)
        #expect(observeEverySplit(exceeds.bytes(), limits: Self.limits) == [.pong([5]), .violation(.tooManyFragments)])
        #expect(ProtocolViolation.tooManyFragments.closeCode == .policyViolation)
    }

    @Test("100,000 empty fragments end at the limit and hold no memory")
    func emptyFragmentFlood() {
        var carrier = Carrier()
        carrier.receive(RawFrame.text("", isFinal: false).bytes())
        let flood = [RawFrame](repeating: .continuation("", isFinal: false), count: 1000).bytes()
        for _ in 0..<100 { carrier.receive(flood) }
        #expect(carrier.observations == [.violation(.tooManyFragments)])
        #expect(carrier.machine.assembledBytes == 0)
    }

    @Test("A limit of no fragments or no bytes refuses what it says and does not trap", arguments: [0, -1, .min])
    func odd(_ number: Int) {
        var limits = ConnectionLimits.withoutRates
        limits.maximumFragments = number
        #expect(observeEverySplit(RawFrame.text("a").bytes(), limits: limits) == [.violation(.tooManyFragments)])
        limits = ConnectionLimits.withoutRates
        limits.maximumMessageBytes = number
        #expect(observeEverySplit(RawFrame.text("a").bytes(), limits: limits) == [.violation(.messageTooBig)])
    }

    @Test("With compression a plain message still has the plain limit, however it is split (RFC 7692 §6)")
    func plainWithCompression() {
        let make = { FakeDecompressor() }
        let fits = RawFrame.binary([UInt8](repeating: 1, count: 200))
        let expected: [Observation] = [.message(.binary, fits.payload)]
        #expect(observeEverySplit(fits.bytes(), limits: Self.limits, decompressor: make) == expected)
        let exceeds = RawFrame.binary([UInt8](repeating: 1, count: 201)).bytes()
        #expect(observeEverySplit(exceeds, limits: Self.limits, decompressor: make) == [.violation(.messageTooBig)])
    }

    @Test("Compressed data may be a little longer than the message, the message itself may not (RFC 7692 §6)")
    func compressed() {
        // 200 / 256 + 64 bytes more may arrive; the stand-in for the decompressor then finds the message too big.
        for (count, isRefusedAtHeader) in [(201, false), (264, false), (265, true)] {
            let frame = RawFrame(reserved: 4, opcode: 2, payload: [UInt8](repeating: 1, count: count))
            let seen = observeEverySplit(frame.bytes(), limits: Self.limits, decompressor: { FakeDecompressor() })
            #expect(seen == [.violation(.messageTooBig)])
            let header = observeEverySplit(
                Array(frame.bytes()[..<4]), limits: Self.limits, decompressor: { FakeDecompressor() })
            #expect(header == (isRefusedAtHeader ? [.violation(.messageTooBig)] : []))
        }
    }

    @Test("The fragments grow with the message limit, one for each KiB")
    func setMaximumMessage() {
        var limits = ConnectionLimits()
        #expect(limits.maximumMessageBytes == 65_536 && limits.maximumFragments == 64)
        limits.setMaximumMessage(bytes: 1 << 20)
        #expect(limits.maximumMessageBytes == 1 << 20 && limits.maximumFragments == 1024)
        limits.setMaximumMessage(bytes: 1000)
        #expect(limits.maximumMessageBytes == 1000 && limits.maximumFragments == 64)
    }
}
