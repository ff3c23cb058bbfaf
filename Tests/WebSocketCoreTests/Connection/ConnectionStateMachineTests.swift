import Testing
import WebSocketCore

@Suite("RFC 6455 §5–§7: one connection", .timeLimit(.minutes(5)))
struct ConnectionStateMachineTests {
    typealias TickAction = ConnectionStateMachine.TickAction

    private func at(_ milliseconds: UInt64) -> MonotonicInstant { MonotonicInstant(milliseconds: milliseconds) }

    private func tick(_ carrier: inout Carrier, _ milliseconds: UInt64) -> TickAction {
        carrier.now = at(milliseconds)
        return carrier.machine.tick(now: carrier.now)
    }

    @Test("After a violation everything is consumed and dropped (RFC 6455 §7.1.7)", arguments: PayloadLengthTests.roles)
    func discardsAfterViolation(_ role: Role) {
        var carrier = Carrier(role: role)
        carrier.receive([RawFrame(reserved: 1, opcode: 1), .text("after"), .ping(), .close(1000)].bytes(to: role))
        #expect(carrier.observations == [.violation(.reservedBits)])
        #expect(carrier.tail.isEmpty && !carrier.machine.maySend && !carrier.machine.mayReceive)
        carrier.receive(RawFrame.text("more").bytes(to: role) + [1, 2, 3])
        #expect(carrier.observations.count == 1 && carrier.tail.isEmpty)
        #expect(carrier.machine.result.code == .protocolError && !carrier.machine.result.wasClean)
    }

    @Test("After our close frame messages and pings are dropped, and the answer ends it (RFC 6455 §7.1)")
    func afterOurClose() {
        var carrier = Carrier()
        let frame = CloseFrame(code: .goingAway, reason: "restart")
        let actions = (0..<2).map { _ in carrier.machine.close(frame, now: at(0)) }
        #expect(actions == [.send(frame), .none])
        #expect(!carrier.machine.maySend && carrier.machine.mayReceive)
        let frames: [RawFrame] = [
            .text("late"), .binary([1], isFinal: false), .ping([1]), .continuation([2], isFinal: true), .pong([]),
        ]
        carrier.receive(frames.bytes())
        #expect(carrier.observations.isEmpty)
        carrier.receive([RawFrame.close(1001), .text("never read")].bytes())
        #expect(carrier.observations == [.closing(.endTransport)])
        #expect(carrier.machine.result == CloseOutcome(code: .goingAway, reason: "restart", wasClean: true))
        let action = carrier.machine.transportEnded()
        #expect(action == .abort)

        var other = Carrier()
        _ = other.machine.close(frame, now: at(0))
        other.receive(RawFrame(opcode: 5).bytes())
        #expect(other.observations == [.closing(.endTransport)])
        #expect(other.machine.result == CloseOutcome(code: .goingAway, reason: "restart", wasClean: false))
    }

    @Test("The transport's end without a close frame counts as 1006 (RFC 6455 §7.1.5)")
    func transportEnds() {
        var carrier = Carrier()
        let actions = (0..<2).map { _ in carrier.machine.transportEnded() }
        #expect(actions == [.abort, .none])
        #expect(carrier.machine.result == CloseOutcome(code: .abnormalClosure, reason: "", wasClean: false))
        carrier.receive(RawFrame.text("late").bytes())
        #expect(carrier.observations.isEmpty && carrier.tail.isEmpty)
    }

    // MARK: Rates

    private func limits(messages: UInt32? = nil, controlFrames: UInt32? = nil) -> ConnectionLimits {
        var limits = ConnectionLimits()
        limits.messagesPerSecond = messages
        limits.controlFramesPerSecond = controlFrames
        return limits
    }

    @Test("Above the rate nothing is lost: what comes waits, and goes on when there is room", arguments: [1, 7, 1_000])
    func messageRate(_ piece: Int) {
        let flood = (0..<30).map { RawFrame.text("\($0)") }.bytes()
        var carrier = Carrier(limits: limits(messages: 5))  // five a second, a burst of ten
        for start in stride(from: 0, to: flood.count, by: piece) {
            carrier.receive(flood[start..<min(start + piece, flood.count)])
        }
        #expect(carrier.messages.count == 10 && carrier.observations.last == .held)
        #expect((1...201).contains(carrier.machine.holdTime(now: carrier.now)))
        carrier.now = at(1_000)
        carrier.receive([])
        #expect(carrier.messages.count == 15)
        for second: UInt64 in 2...4 {
            carrier.now = at(second * 1_000)
            carrier.receive([])
        }
        #expect(carrier.messages == (0..<30).map { .text("\($0)") } && carrier.tail.isEmpty)
        #expect(carrier.observations.last != .held)
    }

    @Test("A message in fragments counts like a whole one, and is not torn by the rate")
    func assembledMessageRate() {
        let message: [RawFrame] = [.text("a", isFinal: false), .continuation("b", isFinal: true)]
        let flood = [[RawFrame]](repeating: message, count: 9).flatMap { $0 }.bytes()
        var carrier = Carrier(limits: limits(messages: 2))
        carrier.receive(flood)
        #expect(carrier.observations == [Observation](repeating: .text("ab"), count: 4) + [.held])
        carrier.now = at(10_000)
        carrier.receive([])
        #expect(carrier.messages.count == 8 && carrier.observations.last == .held)
        carrier.now = at(10_500)
        carrier.receive([])
        #expect(carrier.messages == [Observation](repeating: .text("ab"), count: 9) && carrier.tail.isEmpty)
    }

    @Test("A peer that has to wait is answered its pings, and its close frame; after ours everything is dropped")
    func controlFramesAboveTheRate() {
        var carrier = Carrier(limits: limits(messages: 5))
        carrier.receive([RawFrame](repeating: .text("x"), count: 10).bytes())
        #expect(carrier.observations.last != .held)  // ten are as many as it may send
        carrier.receive(RawFrame.ping().bytes())
        #expect(carrier.observations.last == .pong([]))
        var other = carrier
        carrier.receive(RawFrame.close(1000).bytes())
        #expect(carrier.observations.last == .closed(1000))
        _ = other.machine.close(CloseFrame(code: .goingAway), now: at(0))
        other.receive([RawFrame](repeating: .text("x"), count: 50).bytes())
        #expect(other.messages.count == 10 && other.tail.isEmpty && other.observations.last == .pong([]))
    }

    @Test("A message that does not count takes nothing from the rate")
    func forgivenMessages() {
        var carrier = Carrier(limits: limits(messages: 5))
        for _ in 0..<300 {
            carrier.receive(RawFrame.text("x").bytes())
            carrier.machine.forgiveMessage()
        }
        carrier.receive([RawFrame](repeating: .text("x"), count: 11).bytes())
        #expect(carrier.messages.count == 310 && carrier.observations.last == .held)
    }

    @Test("Bytes above their rate are a reason to wait: a largest message at once, then as many as the rate says")
    func byteRate() {
        var limits = ConnectionLimits.large(100_000)
        limits.bytesPerSecond = 50_000
        var machine = ConnectionStateMachine(role: .server, limits: limits, now: at(0))
        machine.receivedBytes(99_999, now: at(0))
        #expect(!machine.exceedsByteRate(now: at(0)))
        machine.receivedBytes(25_001, now: at(0))
        #expect(machine.exceedsByteRate(now: at(0)) && machine.holdTime(now: at(0)) == 501)
        #expect(machine.exceedsByteRate(now: at(499)) && !machine.exceedsByteRate(now: at(501)))
        machine.receivedBytes(.max, now: at(501))  // far more than there can be
        #expect(machine.exceedsByteRate(now: at(1_000_000)))
        _ = machine.close(CloseFrame(code: .goingAway), now: at(501))
        #expect(!machine.exceedsByteRate(now: at(501)))
        var unlimited = ConnectionStateMachine(role: .server, limits: .withoutRates, now: at(0))
        unlimited.receivedBytes(.max, now: at(0))
        #expect(!unlimited.exceedsByteRate(now: at(0)) && unlimited.holdTime(now: at(0)) == 0)
    }

    @Test("A peer that had to wait for too long is closed with 1008")
    func rateExceeded() {
        var carrier = Carrier(limits: limits(messages: 5))
        let action = carrier.machine.exceededRate(now: at(0))
        let frame = CloseFrame(code: .policyViolation, reason: "too many messages or bytes for too long")
        #expect(action == .sendAndEndTransport(frame))
    }

    @Test("Pings and pongs above the rate are answered with 1008 (RFC 6455 §5.5.2, §5.5.3)", arguments: [UInt8(9), 10])
    func controlFrameRate(_ opcode: UInt8) {
        let frames = [RawFrame](repeating: RawFrame(opcode: opcode), count: 21)
        let answers = [Observation](repeating: .pong([]), count: opcode == 9 ? 20 : 0)
        let seen = observeEverySplit(frames.bytes(), limits: limits(controlFrames: 10))
        #expect(seen == answers + [.violation(.tooManyControlFrames)])

        var slow = Carrier(limits: limits(controlFrames: 10))
        for second: UInt64 in 0..<50 {
            slow.now = at(second * 1000)
            slow.receive(frames[..<10].flatMap { $0.bytes() })
        }
        #expect(slow.observations.count == (opcode == 9 ? 500 : 0))
    }

    @Test("The largest rate is as good as none", arguments: [UInt32(1) << 31, .max])
    func largestRate(_ rate: UInt32) {
        var carrier = Carrier(limits: limits(messages: rate, controlFrames: rate))
        carrier.receive([RawFrame](repeating: .text("x"), count: 300).bytes())
        carrier.receive([RawFrame](repeating: .ping(), count: 300).bytes())
        #expect(carrier.observations.count == 600)
    }

    @Test("A rate of zero lets nobody begin, and does not trap")
    func zeroRate() {
        var carrier = Carrier(limits: limits(messages: 0))
        carrier.receive([RawFrame.text("a"), .text("b")].bytes())
        #expect(carrier.observations == [.held] && carrier.machine.holdTime(now: at(1)) == .max)
    }

    // MARK: Time

    @Test("Silence leads to a ping, and silence after it to the end (RFC 6455 §5.5.2)")
    func keepAlive() {
        var carrier = Carrier()
        #expect(carrier.machine.nextDeadline == at(25_000))
        #expect(tick(&carrier, 24_999) == .none)
        #expect(tick(&carrier, 25_000) == .sendPing)
        carrier.receive([0x8A])  // a byte of a frame is life
        #expect(tick(&carrier, 49_999) == .none)
        #expect(tick(&carrier, 50_000) == .sendPing)
        #expect(tick(&carrier, 60_000) == .closing(.abort))
        #expect(carrier.machine.result.code == .abnormalClosure)
        #expect(tick(&carrier, 99_000) == .none)
    }

    @Test("A message that is not finished in time is answered with 1008")
    func assemblyTimeout() {
        for start in [RawFrame.binary([], isFinal: false), .continuation([], isFinal: false)] {
            var carrier = Carrier()
            carrier.now = at(5_000)
            if start.opcode == 0 { carrier.receive(RawFrame.binary([], isFinal: false).bytes()) }
            carrier.receive(start.bytes())
            carrier.now = at(30_000)
            carrier.receive(RawFrame.ping().bytes())  // neither a ping nor another piece begins the time anew
            #expect(carrier.machine.nextDeadline == at(35_000))
            #expect(tick(&carrier, 34_999) == .none)
            let violation = ProtocolViolation.assemblyTimeout
            let frame = CloseFrame(code: .policyViolation, reason: violation.description)
            #expect(tick(&carrier, 35_000) == .closing(.sendAndEndTransport(frame)))
        }
    }

    @Test("A message that is finished in time starts no clock for the next one")
    func assemblyEnds() {
        var carrier = Carrier()
        carrier.receive(RawFrame.binary([1], isFinal: false).bytes())
        carrier.now = at(20_000)
        carrier.receive(RawFrame.continuation([2], isFinal: true).bytes())
        #expect(carrier.machine.nextDeadline == at(45_000))
        // The end of one and the beginning of the next in one read: the next has its time to itself.
        carrier.receive([RawFrame.binary([1], isFinal: false)].bytes())
        carrier.now = at(40_000)
        carrier.receive([RawFrame.continuation([2], isFinal: true), .binary([3], isFinal: false)].bytes())
        #expect(carrier.machine.nextDeadline == at(65_000))
        #expect(tick(&carrier, 64_999) == .none)
        carrier.receive(RawFrame.ping().bytes())
        #expect(carrier.machine.nextDeadline == at(70_000))
    }

    @Test("A message that keeps coming has a millisecond more for each byte that is here")
    func assemblyOfLargeMessage() {
        var carrier = Carrier()
        carrier.receive(RawFrame.binary([UInt8](repeating: 0, count: 4_000), isFinal: false).bytes())
        #expect(carrier.machine.nextDeadline == at(25_000))
        carrier.now = at(29_000)
        carrier.receive(RawFrame.continuation([1, 2, 3], isFinal: false).bytes())
        #expect(carrier.machine.nextDeadline == at(34_003))
        #expect(tick(&carrier, 34_002) == .none)
        guard case .closing(.sendAndEndTransport) = tick(&carrier, 34_003) else {
            Issue.record("the message was not given up")
            return
        }
    }

    @Test("While this side takes nothing, a message that stands still is not given up")
    func assemblyWhilePaused() {
        var carrier = Carrier()
        carrier.machine.readingIsPaused(now: at(0))  // without a message: nothing to do
        #expect(carrier.machine.nextDeadline == at(25_000))
        carrier.receive(RawFrame.binary([1, 2], isFinal: false).bytes())
        carrier.now = at(29_000)
        carrier.receive(RawFrame.ping().bytes())
        carrier.machine.readingIsPaused(now: at(29_500))
        #expect(tick(&carrier, 30_002) == .none)
        #expect(tick(&carrier, 59_499) == .sendPing)
        guard case .closing(.sendAndEndTransport) = tick(&carrier, 59_500) else {
            Issue.record("the message was not given up")
            return
        }
    }

    @Test(
        "The time in which the socket was not read is not the peer's silence, and a message has not stood still in it")
    func socketNotRead() {
        var limits = ConnectionLimits.withoutRates
        limits.pingInterval = 20_000
        var silent = Carrier(limits: limits)
        silent.machine.socketWasNotRead(now: at(19_000))
        #expect(silent.machine.nextDeadline == at(39_000))
        #expect(tick(&silent, 38_999) == .none)
        #expect(tick(&silent, 39_000) == .sendPing)
        // One that has been pinged has all its time again.
        silent.machine.socketWasNotRead(now: at(48_000))
        #expect(tick(&silent, 67_999) == .none)
        #expect(tick(&silent, 68_000) == .sendPing)
        var speaking = Carrier()
        speaking.receive(RawFrame.binary([1], isFinal: false).bytes())
        speaking.machine.socketWasNotRead(now: at(29_000))
        #expect(speaking.machine.nextDeadline == at(54_000))
        #expect(tick(&speaking, 30_500) == .none)
    }

    @Test("What inflates counts towards the rate of bytes with what it becomes, too")
    func inflatedBytes() {
        var limits = ConnectionLimits.large(100_000)
        limits.bytesPerSecond = 100_000
        var plain = Carrier(limits: limits)
        var inflating = Carrier(limits: limits, decompressor: FakeDecompressor())
        let payload = [UInt8](repeating: 1, count: 90_000)
        var frame = RawFrame.binary(payload)
        plain.receive(frame.bytes())
        frame.reserved = 4
        inflating.receive(frame.bytes())
        #expect(plain.messages.count == 1 && inflating.messages.count == 1)
        let alike = plain.machine.holdTime(now: at(0))
        plain.receive(RawFrame.binary(payload).bytes())
        #expect(inflating.machine.holdTime(now: at(0)) == plain.machine.holdTime(now: at(0)))
        #expect(alike < plain.machine.holdTime(now: at(0)))
    }

    @Test("A message that stands still is given up, however much of it is here")
    func assemblyStandsStill() {
        var carrier = Carrier()
        carrier.receive(RawFrame.binary([UInt8](repeating: 0, count: 60_000), isFinal: false).bytes())
        carrier.now = at(29_000)
        carrier.receive([RawFrame.ping(), .continuation([], isFinal: false)].bytes())  // empty: no progress
        #expect(carrier.machine.nextDeadline == at(30_000))
        guard case .closing(.sendAndEndTransport) = tick(&carrier, 30_000) else {
            Issue.record("the message was not given up")
            return
        }
    }

    @Test("The close timeout and the linger timeout end the transport (RFC 6455 §7.1.1)")
    func closeTimeouts() {
        var unanswered = Carrier()
        _ = unanswered.machine.close(CloseFrame(code: .normal), now: at(1_000))
        #expect(unanswered.machine.nextDeadline == at(6_000))
        #expect(tick(&unanswered, 5_999) == .none)
        #expect(tick(&unanswered, 6_000) == .closing(.abort))

        var lingering = Carrier()
        lingering.receive(RawFrame.close(1000).bytes())
        #expect(lingering.machine.nextDeadline == at(1_000))
        #expect(tick(&lingering, 1_000) == .closing(.abort))
    }

    @Test("At the end nothing is due any more")
    func noDeadlineAtTheEnd() {
        var carrier = Carrier()
        carrier.receive(RawFrame.binary([1], isFinal: false).bytes())
        _ = carrier.machine.transportEnded()
        #expect(carrier.machine.nextDeadline == at(.max))
        #expect(tick(&carrier, .max) == .none)
    }
}
