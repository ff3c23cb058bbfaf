import NIOCore
import Testing

@testable import WebSocketNIO

@Suite("Who is let in, by address and by rate")
struct DoorkeeperTests {
    /// What a connection got; it keeps its lease.
    private final class Visitor {
        let lease: AddressLease?
        let reason: AcceptRefusal.Reason?

        init(_ decision: Doorkeeper.Decision) {
            if case .admitted(let lease) = decision { self.lease = lease } else { lease = nil }
            reason = decision.refusal
        }
    }

    private func limits(_ change: (inout AcceptLimits) -> Void) -> AcceptLimits {
        var limits = AcceptLimits.unlimited
        change(&limits)
        return limits
    }

    private func address(_ text: String) throws -> SocketAddress { try SocketAddress(ipAddress: text, port: 1) }

    @Test("Without a limit nobody stands at the door, and one in all asks nothing of an address")
    func nobody() {
        #expect(Doorkeeper(.unlimited) == nil)
        #expect(Doorkeeper(limits { $0.maximumConnections = 1 }) == nil)
        #expect(Doorkeeper(AcceptLimits()) != nil)
    }

    @Test("An address has its number of connections, and one more for each that has ended")
    func perAddress() throws {
        let keeper = try #require(Doorkeeper(limits { $0.maximumConnectionsPerAddress = 3 }))
        let (one, other) = (try address("192.0.2.1"), try address("192.0.2.2"))
        var visitors = (0..<3).map { _ in Visitor(keeper.decide(one)) }
        #expect(visitors.allSatisfy { $0.lease != nil })
        #expect(Visitor(keeper.decide(one)).reason == .addressLimit)
        let guest = Visitor(keeper.decide(other))
        #expect(guest.reason == nil)
        visitors.removeLast()
        visitors.append(Visitor(keeper.decide(one)))
        #expect(visitors[2].reason == nil)
        #expect(Visitor(keeper.decide(one)).reason == .addressLimit)
    }

    @Test("Addresses that have no connection any more take no memory")
    func forgotten() throws {
        let keeper = try #require(Doorkeeper(limits { $0.maximumConnectionsPerAddress = 3 }))
        for number in 0..<200 {
            let visitor = Visitor(keeper.decide(try address("192.0.2.\(number)")))
            #expect(keeper.addressCount == 1)
            withExtendedLifetime(visitor) {}
        }
        #expect(keeper.addressCount == 0)
    }

    @Test("The loopback is exempt from the limit of an address, unless said otherwise", arguments: [false, true])
    func loopback(_ limitsLoopback: Bool) throws {
        let keeper = try #require(
            Doorkeeper(
                limits {
                    $0.maximumConnectionsPerAddress = 1
                    $0.limitsLoopback = limitsLoopback
                }))
        let first = Visitor(keeper.decide(try address("127.0.0.1")))
        #expect((first.lease != nil) == limitsLoopback)
        #expect(Visitor(keeper.decide(try address("127.0.0.1"))).reason == (limitsLoopback ? .addressLimit : nil))
        withExtendedLifetime(first) {}
    }

    @Test("The rate lets a burst in, answers as many, and closes the rest; and it recovers")
    func rate() throws {
        let keeper = try #require(
            Doorkeeper(
                limits {
                    $0.connectionsPerSecond = 10
                    $0.connectionBurst = 20
                }))
        let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
        func reasons(_ count: Int, _ now: NIODeadline) -> [AcceptRefusal.Reason?] {
            (0..<count).map { _ in Visitor(keeper.decide(nil, now: now)).reason }
        }
        let expected =
            [AcceptRefusal.Reason?](repeating: nil, count: 20) + [AcceptRefusal.Reason?](repeating: .rate, count: 20)
            + [AcceptRefusal.Reason?](repeating: .flood, count: 5)
        #expect(reasons(45, start) == expected)
        // Whoever goes on knocking does not keep the door shut: ten a second come in all the same.
        #expect(reasons(30, start + .seconds(1)).count { $0 == nil } == 10)
        #expect(reasons(30, start + .seconds(2)).count { $0 == nil } == 10)
        #expect(reasons(45, start + .seconds(60)) == expected)
    }

    @Test("What one address has too much of takes nothing from the rate of the others")
    func addressBeforeRate() throws {
        let keeper = try #require(
            Doorkeeper(
                limits {
                    $0.maximumConnectionsPerAddress = 1
                    $0.connectionsPerSecond = 1
                    $0.connectionBurst = 2
                }))
        let now = NIODeadline.uptimeNanoseconds(1_000_000_000)
        let first = Visitor(keeper.decide(try address("192.0.2.1"), now: now))
        for _ in 0..<100 {
            #expect(Visitor(keeper.decide(try address("192.0.2.1"), now: now)).reason == .addressLimit)
        }
        #expect(Visitor(keeper.decide(try address("192.0.2.2"), now: now)).reason == nil)
        #expect(Visitor(keeper.decide(try address("192.0.2.3"), now: now)).reason == .rate)
        #expect(keeper.addressCount == 1, "who is not let in is not counted")
        withExtendedLifetime(first) {}
    }
}
