import Channels
import Testing

@testable import PusherProtocol

@Suite("Subscriptions of a node", .timeLimit(.minutes(5)))
struct SubscriptionBudgetTests {
    @Test("Half is in equal parts, the other half is for whichever needs it")
    func parts() {
        let budget = SubscriptionBudget(40, apps: 2)
        #expect((0..<40).count { _ in budget.take(0) } == 30)
        #expect((0..<40).count { _ in budget.take(1) } == 10)
        budget.give(25, 0)
        #expect((0..<40).count { _ in budget.take(1) } == 20)
        #expect((0..<40).count { _ in budget.take(0) } == 5)
        budget.give(10, 0)
        budget.give(30, 1)
        #expect((0..<40).count { _ in budget.take(1) } == 30)
    }

    @Test("A connection always has 16 channels; beyond that the node's number counts, and comes back")
    func connections() throws {
        let cluster = Cluster(maximumSubscriptions: 8)
        let clients = try (0..<2).map { _ in try cluster.connect() }
        func subscribe(_ client: Client, _ count: Int) -> [String] {
            for number in 0..<count { client.subscribe("room-\(number)") }
            cluster.drain()
            return client.takeEvents()
        }
        // Of 8, the first of two apps may have 2 and 4.
        let first = subscribe(clients[0], 30)
        #expect(first.count { $0 == "pusher_internal:subscription_succeeded" } == 16 + 6)
        #expect(first.count { $0 == "pusher:subscription_error" } == 8)
        #expect(cluster.refusals.contains { $0.contains("as many subscriptions") })
        let second = subscribe(clients[1], 20)
        #expect(second.count { $0 == "pusher_internal:subscription_succeeded" } == 16)
        clients[0].unsubscribe("room-3")
        clients[0].unsubscribe("room-4")
        #expect(subscribe(clients[1], 20).count { $0 == "pusher_internal:subscription_succeeded" } == 16 + 2)
        clients[0].closed()
        cluster.drain()
        #expect(subscribe(clients[1], 30).count { $0 == "pusher:subscription_error" } == 30 - 16 - 6)
        clients[1].closed()
        cluster.drain()
        let third = try cluster.connect()
        #expect(subscribe(third, 30).count { $0 == "pusher_internal:subscription_succeeded" } == 16 + 6)
    }
}
