import Testing
import WebSocketCore

@Suite("The short way for messages that lie whole in the input", .timeLimit(.minutes(5)))
struct WholeMessageTests {
    private func at(_ milliseconds: UInt64) -> MonotonicInstant { MonotonicInstant(milliseconds: milliseconds) }

    /// What the short way takes from the beginning of `bytes`, which it unmasks in place.
    private func take(
        _ machine: inout ConnectionStateMachine, _ bytes: inout [UInt8], at now: MonotonicInstant
    ) -> [[UInt8]] {
        var payloads: [[UInt8]] = []
        var position = 0
        bytes.withUnsafeMutableBytes { space in
            guard let base = space.baseAddress else { return }
            while let message = machine.nextWholeMessage(base, count: space.count, position: position, now: now) {
                payloads.append(Array(space[message.start..<message.start + message.count]))
                position = message.start + message.count
            }
        }
        bytes.removeFirst(position)
        return payloads
    }

    /// What the long way says about the beginning of `bytes`.
    private func next(
        _ machine: inout ConnectionStateMachine, _ bytes: [UInt8], at now: MonotonicInstant
    ) -> ConnectionEvent {
        var copy = bytes
        var position = 0
        return copy.withUnsafeMutableBytes { space in
            guard let base = space.baseAddress else { return .needsInput }
            return machine.next(UnsafeRawBufferPointer(space), position: &position, output: base, now: now)
        }
    }

    @Test("It takes as many as their rate allows; the next one is held, and comes when there is room again")
    func rate() {
        var limits = ConnectionLimits.withoutRates
        limits.messagesPerSecond = 5
        var machine = ConnectionStateMachine(role: .server, limits: limits, now: at(0))
        var bytes = (0..<20).flatMap { RawFrame.text("\($0)").bytes() }
        #expect(take(&machine, &bytes, at: at(1_000)).count == 10)
        #expect(take(&machine, &bytes, at: at(1_000)).isEmpty)
        #expect(next(&machine, bytes, at: at(1_000)) == .held)
        #expect(machine.holdTime(now: at(1_000)) == 201)
        #expect(take(&machine, &bytes, at: at(1_201)) == [Array("10".utf8)])
        #expect(next(&machine, bytes, at: at(1_201)) == .held)
        #expect(take(&machine, &bytes, at: at(61_000)).count == 9)
        #expect(bytes.isEmpty)
    }

    @Test("What is not text it leaves masked as it was (RFC 6455 §8.1)")
    func noText() {
        var machine = ConnectionStateMachine(role: .server, limits: .withoutRates, now: at(0))
        let frame = RawFrame.text([0x61, 0xFF, 0x62, 0x63, 0x64]).bytes()
        var bytes = RawFrame.text("before").bytes() + frame
        #expect(take(&machine, &bytes, at: at(0)) == [Array("before".utf8)])
        #expect(bytes == frame)
        guard case .closing(.sendAndEndTransport(let close)) = next(&machine, bytes, at: at(0)) else {
            Issue.record("it was taken for text")
            return
        }
        #expect(close.code == .invalidPayload)
    }
}
