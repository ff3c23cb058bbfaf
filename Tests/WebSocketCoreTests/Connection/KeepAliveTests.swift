import Testing
import WebSocketCore

@Suite("RFC 6455 §5.5.2: ping as keep-alive, on a virtual clock", .timeLimit(.minutes(5)))
struct KeepAliveTests {
    private func at(_ milliseconds: UInt64) -> MonotonicInstant { MonotonicInstant(milliseconds: milliseconds) }

    /// One that started at 1,000 ms, with its times.
    private struct Watch {
        var keepAlive = KeepAlive(now: MonotonicInstant(milliseconds: 1_000))
        var limits = ConnectionLimits()

        init(pingInterval: UInt64 = 25_000, pongTimeout: UInt64 = 10_000) {
            limits.pingInterval = pingInterval
            limits.pongTimeout = pongTimeout
        }

        var nextDeadline: MonotonicInstant { keepAlive.nextDeadline(limits) }

        mutating func received(now: MonotonicInstant) { keepAlive.received(now: now) }
    }

    private func tick(_ watch: inout Watch, _ milliseconds: UInt64) -> KeepAlive.Action {
        watch.keepAlive.tick(watch.limits, now: at(milliseconds))
    }

    @Test("After the ping interval one ping is sent, after the pong timeout the peer is given up")
    func silence() {
        var keepAlive = Watch()
        #expect(keepAlive.nextDeadline == at(26_000))
        #expect(tick(&keepAlive, 25_999) == .none)
        #expect(tick(&keepAlive, 26_000) == .sendPing)
        #expect(keepAlive.nextDeadline == at(36_000))
        #expect(tick(&keepAlive, 26_001) == .none)
        #expect(tick(&keepAlive, 35_999) == .none)
        #expect(tick(&keepAlive, 36_000) == .giveUp)
    }

    @Test("Any byte that arrives counts as life, before and after the ping")
    func anyByte() {
        var keepAlive = Watch()
        keepAlive.received(now: at(20_000))
        #expect(tick(&keepAlive, 44_999) == .none)
        #expect(tick(&keepAlive, 45_000) == .sendPing)
        keepAlive.received(now: at(54_999))
        #expect(keepAlive.nextDeadline == at(79_999))
        #expect(tick(&keepAlive, 55_000) == .none)
        #expect(tick(&keepAlive, 79_999) == .sendPing)
    }

    @Test("A loop that was away for long still gives the peer the whole pong timeout")
    func lateTick() {
        var keepAlive = Watch()
        #expect(tick(&keepAlive, 500_000) == .sendPing)
        #expect(keepAlive.nextDeadline == at(510_000))
        #expect(tick(&keepAlive, 509_999) == .none)
        #expect(tick(&keepAlive, 510_000) == .giveUp)
    }

    @Test("A timeout without end never gives up, and an interval without end never pings")
    func never() {
        var patient = Watch(pongTimeout: .max)
        #expect(tick(&patient, 26_000) == .sendPing)
        #expect(tick(&patient, .max - 1) == .none)
        #expect(patient.nextDeadline == at(.max))
        var silent = Watch(pingInterval: .max)
        #expect(tick(&silent, .max - 1) == .none)
        #expect(silent.nextDeadline == at(.max))
    }

    @Test("A clock that seems to go back is no trap")
    func clockGoesBack() {
        var keepAlive = Watch()
        #expect(tick(&keepAlive, 0) == .none)
    }

    @Test("Where data is asked for, a pong delays no ping, and answers one that is out")
    func pingsWithoutData() {
        var keepAlive = Watch()
        keepAlive.keepAlive = KeepAlive(now: at(1_000), pingsWithoutData: true)
        keepAlive.received(now: at(20_000))
        #expect(tick(&keepAlive, 26_000) == .sendPing)
        keepAlive.received(now: at(35_999))
        #expect(tick(&keepAlive, 36_000) == .none)
        #expect(keepAlive.nextDeadline == at(60_999))
        keepAlive.keepAlive.receivedData(now: at(50_000))
        #expect(tick(&keepAlive, 74_999) == .none)
        #expect(tick(&keepAlive, 75_000) == .sendPing)
        #expect(tick(&keepAlive, 85_000) == .giveUp)
    }

    @Test("A peer that is alive by its messages only is given up in spite of its pongs", arguments: [false, true])
    func requiresData(_ pingsWithoutData: Bool) {
        var keepAlive = Watch()
        keepAlive.keepAlive = KeepAlive(now: at(1_000), pingsWithoutData: pingsWithoutData)
        keepAlive.keepAlive.requireData()
        keepAlive.received(now: at(20_000))
        #expect(tick(&keepAlive, 26_000) == .sendPing)
        keepAlive.received(now: at(30_000))
        #expect(tick(&keepAlive, 36_000) == .giveUp)
        keepAlive.keepAlive.receivedData(now: at(36_000))
        #expect(keepAlive.nextDeadline == at(61_000))
        keepAlive.keepAlive.restart(now: at(40_000))  // time in which this side did not listen
        #expect(keepAlive.nextDeadline == at(65_000))
    }

    @Test("A connection pays eight bytes for it")
    func size() { #expect(MemoryLayout<KeepAlive>.size == 8 && MemoryLayout<ConnectionStateMachine>.size == 64) }
}
