import Channels
import PusherProtocol
import Testing

@Suite("Many subscriptions at once", .timeLimit(.minutes(5)))
struct CommandTurnTests {
    @Test("After a turn's worth the carrier is asked to wait, and all are answered in the end")
    func turns() throws {
        let cluster = Cluster()
        let clients = try (0..<2).map { _ in try cluster.connect() }
        for client in clients { client.carrierWaits = true }
        var next = [0, 0]
        var rounds = 0
        while next != [500, 500] {
            for (index, client) in clients.enumerated() {
                let before = next[index]
                while client.isReading, next[index] < 500 {
                    client.subscribe("room-\(next[index])")
                    next[index] += 1
                }
                // One that finds the line empty takes what an iteration allows.
                #expect(next[index] - before <= 128)
            }
            cluster.drain()
            rounds += 1
            try #require(rounds < 200)
        }
        cluster.drain()
        #expect(rounds > 4)
        for client in clients {
            #expect(client.takeEvents() == Array(repeating: "pusher_internal:subscription_succeeded", count: 500))
            #expect(client.isReading)
        }
    }

    @Test("Users who sign in with long watchlists take turns, and so do their watchers when they leave")
    func watchlists() throws {
        let cluster = Cluster()
        _ = try cluster.connect(as: "friend")
        let list = ((0..<99).map { #""user-\#($0)""# } + [#""friend""#]).joined(separator: ",")
        let clients = try (0..<20).map { _ in try cluster.connect() }
        for (index, client) in clients.enumerated() {
            client.carrierWaits = true
            client.signIn(#"{"id":"me-\#(index)","watchlist":[\#(list)]}"#)
            #expect(index == 0 || !client.isReading, "the first one finds nobody else waiting")
        }
        var (rounds, told) = (0, 0)
        while told < clients.count {
            cluster.drain()
            rounds += 1
            for client in clients {
                told += client.takeEvents().count { $0 == "pusher_internal:watchlist_events" }
            }
            try #require(rounds < 100)
        }
        #expect(rounds >= 3, "six iterations each, of 1,024 points")
        for client in clients {
            #expect(client.isReading)
            client.closed()
        }
        for _ in 0..<10 { cluster.drain() }
        let late = try cluster.connect(as: "late", more: #","watchlist":["me-1","friend"]"#)
        cluster.drain()
        #expect(late.isReading)
    }

    @Test("Connections with many channels that end together leave them in turns, and hear nothing meanwhile")
    func departures() throws {
        let cluster = Cluster()
        let clients = try (0..<20).map { _ in try cluster.connect() }
        for (index, client) in clients.enumerated() {
            for number in 0..<50 { client.subscribe("room-\(index)-\(number)") }
            cluster.drain()
            #expect(client.takeEvents().count { $0 == "pusher_internal:subscription_succeeded" } == 50)
        }
        _ = cluster.takeHappenings()
        func left() -> Int { cluster.takeHappenings().count { $0.event == .vacated } }
        for client in clients { client.closed() }
        #expect(left() == 0)
        try cluster.publish("news", to: "room-3-7")
        var (rounds, sum) = (0, 0)
        while sum < 1_000 {
            cluster.places[0].shards[0].drain()
            let count = left()
            // An iteration's points are spent by 256.
            #expect(count <= 272)
            sum += count
            rounds += 1
            try #require(rounds < 100)
        }
        #expect(rounds >= 4)
        #expect(clients.allSatisfy { $0.takeEvents().isEmpty })
        // A connection with a few leaves at once.
        let one = try cluster.connect()
        for number in 0..<16 { one.subscribe("room-\(number)") }
        cluster.drain()
        one.closed()
        #expect(left() == 16)
    }

    @Test("What comes nevertheless is from a client that has ended its side: four messages are looked at")
    func ended() throws {
        let cluster = Cluster()
        let client = try cluster.connect()
        client.carrierWaits = true
        var count = 0
        while client.isReading, count < 1_000 {
            client.subscribe("room-\(count)")
            count += 1
        }
        #expect(count == 114)
        for number in 0..<3 { client.subscribe("late-\(number)") }
        for _ in 0..<10 { client.send(#"{"event":"pusher:ping","data":{}}"#) }
        cluster.drain()
        let events = client.takeEvents()
        #expect(events.count { $0 == "pusher_internal:subscription_succeeded" } == 117)
        #expect(events.count { $0 == "pusher:pong" } == 1)
        client.subscribe("room-in-time")
        cluster.drain()
        #expect(client.takeEvents() == ["pusher_internal:subscription_succeeded"])
    }

    @Test("A connection that ends while it waits is let go")
    func closed() throws {
        let cluster = Cluster()
        weak var kept: Client?
        do {
            let client = try cluster.connect()
            client.carrierWaits = true
            kept = client
            var count = 0
            while client.isReading, count < 1_000 {
                client.subscribe("room-\(count)")
                count += 1
            }
            client.closed()
        }
        cluster.drain()
        cluster.drain()
        #expect(kept == nil)
    }
}
