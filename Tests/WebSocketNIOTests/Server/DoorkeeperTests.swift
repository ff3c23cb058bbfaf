import NIOCore
import Testing

@testable import WebSocketNIO

@Suite("Who is let in, by address and by rate", .timeLimit(.minutes(5)))
struct DoorkeeperTests {
    /// What a connection got; it keeps its lease.
    private final class Visitor {
        let lease: ConnectionLease?
        let reason: AcceptRefusal.Reason?
        let isAnswered: Bool
        let isReserved: Bool

        init(_ keeper: Doorkeeper, _ peer: SocketAddress? = nil, now: NIODeadline = .now()) {
            _ = keeper.arrived()
            let decision = keeper.decide(peer, now: now)
            lease = decision.lease
            reason = decision.refusal
            isAnswered = if case .answered = decision { true } else { false }
            isReserved = if case .reserved = decision { true } else { false }
        }
    }

    private func limits(_ change: (inout AcceptLimits) -> Void) -> AcceptLimits {
        var limits = AcceptLimits.unlimited
        change(&limits)
        return limits
    }

    private func address(_ text: String) throws -> SocketAddress { try SocketAddress(ipAddress: text, port: 1) }

    @Test("Without a limit nothing is counted")
    func nobody() {
        let keeper = Doorkeeper(.unlimited)
        #expect(keeper.capacity == nil)
        let visitors = (0..<1000).map { _ in Visitor(keeper) }
        #expect(visitors.allSatisfy { $0.lease == nil && $0.reason == nil })
        #expect(keeper.hasRoom)
    }

    @Test("An address has its number of connections, and one more for each that has ended")
    func perAddress() throws {
        let keeper = Doorkeeper(limits { $0.maximumConnectionsPerAddress = 3 })
        let (one, other) = (try address("192.0.2.1"), try address("192.0.2.2"))
        var visitors = (0..<3).map { _ in Visitor(keeper, one) }
        #expect(visitors.allSatisfy { $0.lease != nil })
        #expect(Visitor(keeper, one).reason == .addressLimit)
        let guest = Visitor(keeper, other)
        #expect(guest.reason == nil)
        visitors.removeLast()
        visitors.append(Visitor(keeper, one))
        #expect(visitors[2].reason == nil)
        #expect(Visitor(keeper, one).reason == .addressLimit)
    }

    @Test("Where descriptors are short, one address has half of the WebSockets at most")
    func share() throws {
        let keeper = Doorkeeper(
            limits {
                $0.maximumConnections = .max
                $0.maximumConnectionsPerAddress = 1_000
            }, descriptors: 1_000)
        let most = try #require(keeper.capacity).webSockets
        let visitors = try (0..<most).map { _ in Visitor(keeper, try address("192.0.2.1")) }
        #expect(visitors.count { $0.reason == nil } == most / 2)
        #expect(Visitor(keeper, try address("192.0.2.2")).reason == nil)
    }

    @Test("Addresses that have no connection any more take no memory")
    func forgotten() throws {
        let keeper = Doorkeeper(limits { $0.maximumConnectionsPerAddress = 3 })
        for number in 0..<200 {
            let visitor = Visitor(keeper, try address("192.0.2.\(number)"))
            #expect(keeper.addressCount == 1)
            withExtendedLifetime(visitor) {}
        }
        #expect(keeper.addressCount == 0)
    }

    @Test("The loopback is exempt from the limit of an address, unless said otherwise", arguments: [false, true])
    func loopback(_ limitsLoopback: Bool) throws {
        let keeper = Doorkeeper(
            limits {
                $0.maximumConnectionsPerAddress = 1
                $0.limitsLoopback = limitsLoopback
            })
        let first = Visitor(keeper, try address("127.0.0.1"))
        #expect((first.lease != nil) == limitsLoopback)
        #expect(try Visitor(keeper, address("127.0.0.1")).reason == (limitsLoopback ? .addressLimit : nil))
        withExtendedLifetime(first) {}
    }

    @Test("The rate lets a burst in and refuses the rest; and it recovers")
    func rate() throws {
        let keeper = Doorkeeper(
            limits {
                $0.connectionsPerSecond = 10
                $0.connectionBurst = 20
            })
        let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
        func admitted(_ count: Int, _ now: NIODeadline) -> Int {
            (0..<count).count { _ in Visitor(keeper, now: now).reason == nil }
        }
        #expect(admitted(45, start) == 20)
        // More attempts do not keep the door shut: ten a second come in all the same.
        #expect(admitted(30, start + .seconds(1)) == 10)
        #expect(admitted(30, start + .seconds(2)) == 10)
        #expect(admitted(45, start + .seconds(60)) == 20)
    }

    @Test("One address opens at most half of the connections of a second: others get in beside it")
    func rateOfAddress() throws {
        for (perAddress, most) in [(1_000, 5), (nil, 10)] {
            let keeper = Doorkeeper(
                limits {
                    $0.maximumConnectionsPerAddress = perAddress
                    $0.maximumConnections = 1_000
                    $0.connectionsPerSecond = 10
                    $0.connectionBurst = 10
                })
            let start = NIODeadline.uptimeNanoseconds(5_000_000_000)
            for second in 0..<3 as Range<Int64> {
                let now = start + .seconds(second)
                // They end at once: how many there are says nothing.
                let fast = try (0..<100).count { _ in try Visitor(keeper, address("192.0.2.1"), now: now).reason == nil
                }
                #expect(fast == most)
                #expect(try Visitor(keeper, address("192.0.2.2"), now: now).reason == (most == 5 ? nil : .rate))
            }
        }
    }

    @Test("Refusals are answered 50 a second and 100 at a time; beyond that they are closed at once")
    func answers() throws {
        let keeper = Doorkeeper(
            limits {
                $0.connectionsPerSecond = 1
                $0.connectionBurst = 1
            })
        var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
        var visitors = [Visitor(keeper, now: now)]
        visitors += (0..<80).map { _ in Visitor(keeper, now: now) }
        #expect(visitors.count { $0.isAnswered } == 50)
        for second in 1...4 {
            now = now + .seconds(1)
            visitors += (0..<80).map { _ in Visitor(keeper, now: now) }
            #expect(visitors.count { $0.isAnswered } == 100, "second \(second): those that linger are counted")
        }
        visitors.removeAll()
        now = now + .seconds(1)
        visitors += (0..<80).map { _ in Visitor(keeper, now: now) }
        #expect(visitors.count { $0.isAnswered } == 50)
    }

    @Test("Above the limit of WebSockets there is a reserve, of which an address has a quarter")
    func reserve() throws {
        let keeper = Doorkeeper(limits { $0.maximumConnections = 10 })
        #expect(keeper.capacity == DoorCapacity(limit: 10, descriptors: nil))
        var sockets = (0..<10).map { _ in Visitor(keeper) }
        #expect(sockets.allSatisfy { !$0.isReserved && $0.lease.map { keeper.becomeWebSocket($0) } == true })
        let one = try address("192.0.2.1")
        var visitors = (0..<4).map { _ in Visitor(keeper, one) }
        #expect(visitors.allSatisfy { $0.isReserved })
        #expect(Visitor(keeper, one).reason == .reserve)
        visitors.removeLast()
        visitors.append(Visitor(keeper, one))
        #expect(visitors[3].isReserved)
        #expect(visitors[3].lease.map { keeper.becomeWebSocket($0) } == false)
        // The loopback has no share that limits it.
        visitors += (0..<11).map { _ in Visitor(keeper) }
        #expect(keeper.hasRoom)
        visitors.append(Visitor(keeper))
        #expect(!keeper.hasRoom, "16 in the reserve")
        // As a WebSocket leaves, another one finds its place, in the reserve, too, and leaves that to others.
        sockets.removeLast()
        #expect(keeper.hasRoom)
        #expect(visitors[0].lease.map { keeper.becomeWebSocket($0) } == true)
        #expect(visitors[1].lease.map { keeper.becomeWebSocket($0) } == false)
        #expect(Visitor(keeper, one).isReserved)
        // Refused ones that linger do not take a place.
        let lingering = keeper.refuse(visitors[1].lease)
        #expect(lingering === visitors[1].lease)
        #expect(keeper.hasRoom)
        visitors.removeAll()
        sockets.removeAll()
        #expect(!Visitor(keeper, one).isReserved)
    }

    @Test(
        "What the process can open is divided, too",
        arguments: [(1, 1, 0), (20, 3, 16), (160, 134, 16), (100_000, 94_905, 4_995)])
    func capacity(_ descriptors: Int, _ webSockets: Int, _ reserve: Int) {
        let capacity = DoorCapacity(limit: .max, descriptors: descriptors)
        #expect(capacity.webSockets == webSockets && capacity.reserve == reserve)
        #expect(capacity.total + capacity.lingering <= max(2, descriptors))
        #expect(DoorCapacity(limit: 1000, descriptors: nil).total == 1050)
    }

    @Test("Behind a trusted proxy the clients are counted, with each request and as long as a WebSocket lives")
    func proxied() throws {
        var proxies = TrustedProxies()
        proxies.networks = [try #require(AddressNetwork("127.0.0.0/8"))]
        let keeper = Doorkeeper(limits { $0.maximumConnectionsPerAddress = 2 }, proxies: proxies)
        let client = try #require(IPAddress("198.51.100.1"))
        let loopback = try #require(IPAddress("127.0.0.1"))
        let leases = try (0..<10).map { _ in try #require(Visitor(keeper, try address("127.0.0.1")).lease) }
        #expect(keeper.addressCount == 0, "the proxy is not counted")
        #expect(keeper.beginRequest(leases[0], of: client, isPeer: false) == nil)
        #expect(keeper.beginRequest(leases[1], of: client, isPeer: false) == nil)
        #expect(keeper.beginRequest(leases[2], of: client, isPeer: false) == .addressLimit)
        keeper.endRequest(leases[1])
        #expect(keeper.beginRequest(leases[2], of: client, isPeer: false) == nil)
        // Another request on a connection takes the place of the one before.
        #expect(keeper.beginRequest(leases[2], of: try #require(IPAddress("198.51.100.2")), isPeer: false) == nil)
        #expect(keeper.beginRequest(leases[3], of: client, isPeer: false) == nil)
        // The loopback is exempt as a peer, and never when a header names it.
        for lease in leases[4...] { #expect(keeper.beginRequest(lease, of: loopback, isPeer: true) == nil) }
        #expect(keeper.beginRequest(leases[4], of: loopback, isPeer: false) == nil)
        #expect(keeper.beginRequest(leases[5], of: loopback, isPeer: false) == nil)
        #expect(keeper.beginRequest(leases[6], of: loopback, isPeer: false) == .addressLimit)
        // Their ends give the places back.
        withExtendedLifetime(leases) {}
    }

    @Test("What one address has too much of takes nothing from the rate of the others")
    func addressBeforeRate() throws {
        let keeper = Doorkeeper(
            limits {
                $0.maximumConnectionsPerAddress = 1
                $0.connectionsPerSecond = 1
                $0.connectionBurst = 2
            })
        let now = NIODeadline.uptimeNanoseconds(1_000_000_000)
        let first = Visitor(keeper, try address("192.0.2.1"), now: now)
        for _ in 0..<100 {
            #expect(try Visitor(keeper, address("192.0.2.1"), now: now).reason == .addressLimit)
        }
        #expect(try Visitor(keeper, address("192.0.2.2"), now: now).reason == nil)
        #expect(try Visitor(keeper, address("192.0.2.3"), now: now).reason == .rate)
        #expect(keeper.addressCount == 1, "who is not let in is not counted")
        withExtendedLifetime(first) {}
    }
}
