import Testing
import WebSocketCore

@Suite("RFC 6455 §5.5.2: ping as keep-alive, on a virtual clock")
struct KeepAliveTests {
    private func at(_ milliseconds: UInt64) -> MonotonicInstant { MonotonicInstant(milliseconds: milliseconds) }

    private func keepAlive(pingInterval: UInt64 = 25_000, pongTimeout: UInt64 = 10_000) -> KeepAlive {
        KeepAlive(pingInterval: pingInterval, pongTimeout: pongTimeout, now: at(1_000))
    }

    private func tick(_ keepAlive: inout KeepAlive, _ milliseconds: UInt64) -> KeepAlive.Action {
        keepAlive.tick(now: at(milliseconds))
    }

    @Test("After the ping interval one ping is sent, after the pong timeout the peer is given up")
    func silence() {
        var keepAlive = keepAlive()
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
        var keepAlive = keepAlive()
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
        var keepAlive = keepAlive()
        #expect(tick(&keepAlive, 500_000) == .sendPing)
        #expect(keepAlive.nextDeadline == at(510_000))
        #expect(tick(&keepAlive, 509_999) == .none)
        #expect(tick(&keepAlive, 510_000) == .giveUp)
    }

    @Test("A timeout without end never gives up, and an interval without end never pings")
    func never() {
        var patient = keepAlive(pongTimeout: .max)
        #expect(tick(&patient, 26_000) == .sendPing)
        #expect(tick(&patient, .max - 1) == .none)
        #expect(patient.nextDeadline == at(.max))
        var silent = keepAlive(pingInterval: .max)
        #expect(tick(&silent, .max - 1) == .none)
        #expect(silent.nextDeadline == at(.max))
    }

    @Test("A clock that seems to go back is no trap")
    func clockGoesBack() {
        var keepAlive = keepAlive()
        #expect(tick(&keepAlive, 0) == .none)
    }
}
