import Testing
import WebSocketCore

@Suite("RFC 6455 §7: the closing handshake, every state and every input", .timeLimit(.minutes(5)))
struct ClosingHandshakeTests {
    typealias Action = ClosingHandshake.Action

    enum State: CaseIterable {
        case open, closeSent, ending, ended
    }

    static let roles: [Role] = [.server, .client]
    static let ours = CloseFrame(code: .goingAway, reason: "restart")
    static let theirs = CloseFrame(code: CloseCode(rawValue: 4000), reason: "bye")

    /// A handshake in some state at 10,000 ms, with a close timeout of 5,000 and a linger timeout of 1,000.
    private func handshake(_ state: State, _ role: Role) -> ClosingHandshake {
        var handshake = ClosingHandshake(role: role, closeTimeout: 5_000, lingerTimeout: 1_000)
        switch state {
        case .open: break
        case .closeSent: _ = handshake.close(Self.ours, now: at(10_000))
        case .ending: _ = handshake.failed(.reservedBits, now: at(10_000))
        case .ended: _ = handshake.transportEnded()
        }
        return handshake
    }

    private func at(_ milliseconds: UInt64) -> MonotonicInstant { MonotonicInstant(milliseconds: milliseconds) }

    @Test("Only an open connection sends messages, and nothing is read once the handshake is over (RFC 6455 §5.5.1)")
    func mayDo() {
        for role in Self.roles {
            #expect(State.allCases.map { handshake($0, role).maySend } == [true, false, false, false])
            #expect(State.allCases.map { handshake($0, role).mayReceive } == [true, true, false, false])
            let deadlines = State.allCases.map { handshake($0, role).nextDeadline?.milliseconds }
            #expect(deadlines == [nil, 15_000, 11_000, nil])
        }
    }

    @Test(
        "The application's close sends one close frame, and only the first counts (RFC 6455 §7.1.2)", arguments: roles)
    func close(_ role: Role) {
        for (state, expected) in zip(State.allCases, [Action.send(Self.theirs), .none, .none, .none]) {
            var handshake = handshake(state, role)
            let action = handshake.close(Self.theirs, now: at(20_000))
            #expect(action == expected)
        }
        var open = handshake(.open, role)
        _ = open.close(Self.ours, now: at(20_000))
        #expect(open.result == CloseOutcome(code: .goingAway, reason: "restart", wasClean: false))
        #expect(open.nextDeadline == at(25_000))
    }

    @Test(
        "A silent peer that is given up is told so and not waited for; in any other state it is nothing new",
        arguments: roles)
    func giveUp(_ role: Role) {
        for (state, expected) in zip(State.allCases, [Action.sendAndEndTransport(Self.theirs), .none, .none, .none]) {
            var handshake = handshake(state, role)
            let action = handshake.giveUp(Self.theirs, now: at(20_000))
            #expect(action == expected)
        }
        var open = handshake(.open, role)
        _ = open.giveUp(Self.theirs, now: at(20_000))
        #expect(open.result == CloseOutcome(code: CloseCode(rawValue: 4000), reason: "bye", wasClean: false))
        #expect(open.nextDeadline == at(21_000))
        #expect(!open.maySend && !open.mayReceive)
    }

    @Test("A close frame that was not asked for is answered with its code (RFC 6455 §5.5.1, §7.1.3)", arguments: roles)
    func receivedWhileOpen(_ role: Role) {
        var handshake = handshake(.open, role)
        let action = handshake.received(Self.theirs, now: at(20_000))
        #expect(action == .sendAndEndTransport(CloseFrame(code: CloseCode(rawValue: 4000))))
        #expect(handshake.result == CloseOutcome(code: CloseCode(rawValue: 4000), reason: "bye", wasClean: true))
        #expect(!handshake.maySend && !handshake.mayReceive)
        // The server ends the transport at once; a client waits longer for it (RFC 6455 §7.1.1).
        #expect(handshake.nextDeadline == at(role == .server ? 21_000 : 25_000))
    }

    @Test("A close frame without a code counts as 1005 (RFC 6455 §7.1.5)")
    func receivedEmpty() {
        var handshake = handshake(.open, .server)
        let action = handshake.received(CloseFrame(code: nil), now: at(0))
        #expect(action == .sendAndEndTransport(CloseFrame(code: nil)))
        #expect(handshake.result == CloseOutcome(code: .noStatusReceived, reason: "", wasClean: true))
        var closed = self.handshake(.open, .server)
        _ = closed.close(CloseFrame(code: nil), now: at(0))
        #expect(closed.result.code == .noStatusReceived)
    }

    @Test(
        "The answer to our close frame completes the handshake and keeps our code (RFC 6455 §7.1.5)", arguments: roles)
    func receivedAfterClose(_ role: Role) {
        var handshake = handshake(.closeSent, role)
        let action = handshake.received(Self.theirs, now: at(12_000))
        #expect(action == .endTransport)
        #expect(handshake.result == CloseOutcome(code: .goingAway, reason: "restart", wasClean: true))
        #expect(handshake.nextDeadline == at(role == .server ? 13_000 : 17_000))
    }

    @Test("A close frame after the end of the handshake changes nothing", arguments: [State.ending, .ended])
    func receivedLate(_ state: State) {
        var handshake = handshake(state, .server)
        let before = handshake
        let action = handshake.received(Self.theirs, now: at(20_000))
        #expect(action == .none && handshake == before)
    }

    @Test("A broken rule is answered with its close code, and nothing more is read (RFC 6455 §7.1.7)", arguments: roles)
    func failed(_ role: Role) {
        var handshake = handshake(.open, role)
        let action = handshake.failed(.messageTooBig, now: at(20_000))
        #expect(action == .sendAndEndTransport(CloseFrame(code: .messageTooBig, reason: "message too big")))
        #expect(handshake.result == CloseOutcome(code: .messageTooBig, reason: "message too big", wasClean: false))
        #expect(!handshake.mayReceive && handshake.nextDeadline == at(21_000))
    }

    @Test("A broken rule after our close frame ends the transport without a second one (RFC 6455 §5.5.1)")
    func failedAfterClose() {
        var handshake = handshake(.closeSent, .server)
        let action = handshake.failed(.reservedBits, now: at(12_000))
        #expect(action == .endTransport)
        #expect(handshake.result == CloseOutcome(code: .goingAway, reason: "restart", wasClean: false))
        #expect(handshake.nextDeadline == at(13_000))
    }

    @Test("A broken rule after the end of the handshake changes nothing", arguments: [State.ending, .ended])
    func failedLate(_ state: State) {
        var handshake = handshake(state, .server)
        let before = handshake
        let action = handshake.failed(.reservedBits, now: at(20_000))
        #expect(action == .none && handshake == before)
    }

    @Test("The end of the transport is the end; without close frames it counts as 1006 (RFC 6455 §7.1.4, §7.1.5)")
    func transportEnded() {
        for (state, expected) in zip(State.allCases, [Action.abort, .abort, .abort, .none]) {
            var handshake = handshake(state, .server)
            let action = handshake.transportEnded()
            #expect(action == expected)
            #expect(!handshake.maySend && !handshake.mayReceive && handshake.nextDeadline == nil)
        }
        var open = handshake(.open, .server)
        _ = open.transportEnded()
        #expect(open.result == CloseOutcome(code: .abnormalClosure, reason: "", wasClean: false))
    }

    @Test("A peer that does not answer our close frame is given up after the close timeout (RFC 6455 §7.1.1)")
    func closeTimeout() {
        var handshake = handshake(.closeSent, .server)
        #expect(tick(&handshake, 14_999) == .none)
        #expect(handshake.mayReceive)
        #expect(tick(&handshake, 15_000) == .abort)
        #expect(!handshake.mayReceive && handshake.nextDeadline == nil)
        #expect(tick(&handshake, 99_999) == .none)
    }

    @Test("A peer that does not end the transport is given up after the linger timeout (RFC 6455 §7.1.1)")
    func lingerTimeout() {
        var handshake = handshake(.ending, .server)
        #expect(tick(&handshake, 10_999) == .none)
        #expect(tick(&handshake, 11_000) == .abort)
        #expect(tick(&handshake, 99_999) == .none)
    }

    @Test("Time changes nothing while open and at the end", arguments: [State.open, .ended])
    func tickWithoutDeadline(_ state: State) {
        var handshake = handshake(state, .client)
        #expect(tick(&handshake, .max) == .none)
    }

    private func tick(_ handshake: inout ClosingHandshake, _ milliseconds: UInt64) -> Action {
        handshake.tick(now: at(milliseconds))
    }
}
