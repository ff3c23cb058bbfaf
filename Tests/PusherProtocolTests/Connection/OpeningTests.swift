import Channels
import PusherProtocol
import Testing
import WebSocketCore

@Suite("The beginning and the end of a connection (pusher-protocol §3, §4)", .timeLimit(.minutes(5)))
struct OpeningTests {
    @Test("The first message is connection_established; its data is a string that has the JSON in it")
    func established() throws {
        let client = try Cluster().accept()
        client.opened()
        let messages = client.take()
        #expect(messages.count == 1)
        let message = try #require(messages.first)
        #expect(message.event == "pusher:connection_established")
        #expect(message.names == ["event", "data"])
        #expect(message.data != nil)
        #expect(message.object?["socket_id"] as? String == client.socket)
        #expect(message.object?["activity_timeout"] as? Int == 30)
    }

    @Test("A socket_id is two numbers with a dot, and no two are the same")
    func socketIDs() throws {
        let cluster = Cluster(nodes: 2)
        var seen: Set<String> = []
        for index in 0..<200 {
            let socket = try cluster.accept(node: index % 2).socket
            #expect(socket.wholeMatch(of: /[0-9]+\.[0-9]+/) != nil)
            #expect(seen.insert(socket).inserted)
        }
    }

    @Test("The activity timeout is the app's, and never 0, which stock clients take for none")
    func activityTimeout() throws {
        for (seconds, told) in [(30, 30), (0, 1)] {
            let client = try Cluster { $0.limits.activityTimeout = seconds }.accept()
            client.opened()
            #expect(client.take().first?.object?["activity_timeout"] as? Int == told)
        }
    }

    @Test("A ping gets a pong, whatever its data is, and a pong gets nothing")
    func pings() throws {
        let client = try Cluster().connect()
        for data in [#","data":{}"#, #","data":"""#, "", #","data":null"#] {
            client.send(#"{"event":"pusher:ping"\#(data)}"#)
            #expect(client.takeTexts() == [#"{"event":"pusher:pong","data":"{}"}"#])
        }
        client.send(#"{"event":"pusher:pong","data":{}}"#)
        #expect(client.take().isEmpty)
    }

    @Test("An app's quota is a close with 4004 after the error; a place that becomes free can be taken")
    func quota() throws {
        let cluster = Cluster { $0.maximumConnections = 2 }
        let first = try cluster.connect()
        _ = try cluster.connect(key: Cluster.secondKey)
        let third = try cluster.accept()
        third.opened()
        #expect(third.take().map(\.code) == [4004])
        #expect(third.closes.map(\.code) == [4004])
        // One that was never counted gives no place back.
        third.closed()
        #expect(try cluster.app.connectionCount == 2)
        first.closed()
        first.closed()
        #expect(try cluster.app.connectionCount == 1)
        let fourth = try cluster.accept()
        fourth.opened()
        #expect(fourth.takeEvents() == ["pusher:connection_established"])
        // Another app has its own quota.
        let other = try cluster.accept(key: Cluster.otherKey)
        other.opened()
        #expect(other.takeEvents() == ["pusher:connection_established"])
    }

    @Test("Trap 4: at the end of a node its clients are told 4100, which lets them come back")
    func drain() throws {
        let cluster = Cluster()
        let client = try cluster.connect()
        client.subscribe("room")
        cluster.drain()
        _ = client.take()
        client.drain()
        client.drain()
        #expect(client.take().map(\.code) == [4100])
        #expect(client.closes.map(\.code) == [4100])
        try cluster.publish("late", to: "room")
        cluster.drain()
        #expect(client.take().isEmpty)
        cluster.node.beginDraining()
        let late = try cluster.accept()
        late.opened()
        #expect(late.closes.map(\.code) == [4100])
    }

    @Test("After its end a connection hears nothing and can do nothing")
    func ended() throws {
        let cluster = Cluster { $0.allowsClientEvents = true }
        let client = try cluster.connect()
        let other = try cluster.connect(loop: 1)
        for each in [client, other] { each.subscribe("private-room") }
        cluster.drain()
        for each in [client, other] { _ = each.take() }
        client.closed()
        client.say("1", to: "private-room")
        client.subscribe("room")
        client.send(#"{"event":"pusher:ping"}"#)
        client.rateExceeded()
        client.peerIsSilent()
        client.drain()
        try cluster.publish("x", to: "private-room")
        cluster.drain()
        #expect(client.take().isEmpty)
        #expect(client.closes.isEmpty)
        #expect(other.takeEvents() == ["said"])
    }

    @Test("What comes before the connection is open counts for nothing")
    func early() throws {
        let client = try Cluster().accept()
        client.send(#"{"event":"pusher:ping"}"#)
        #expect(client.take().isEmpty)
        client.opened()
        client.opened()
        #expect(client.takeEvents() == ["pusher:connection_established"])
    }

    @Test("Authorised connections: who neither signs in nor subscribes to a signed channel in time is closed with 4009")
    func authorization() throws {
        let cluster = Cluster { $0.authorizationTimeout = 30_000 }
        let idle = try cluster.connect()
        let open = try cluster.connect()
        let signed = try cluster.connect()
        let user = try cluster.connect(as: "anna")
        let wrong = try cluster.connect()
        #expect(idle.deadline == cluster.now.advanced(by: 30_000))
        open.subscribe("room")
        signed.subscribe("private-room")
        wrong.subscribe("private-room", auth: "key-1:00")
        #expect(signed.deadline == nil)
        #expect(user.deadline == nil)
        cluster.drain()
        let all = [idle, open, signed, user, wrong]
        cluster.pass(29_999)
        for client in all { client.tick(now: cluster.now) }
        #expect(all.allSatisfy { $0.closes.isEmpty })
        cluster.pass(1)
        for client in all { client.tick(now: cluster.now) }
        #expect(all.map { $0.closes.map(\.code) } == [[4009], [4009], [], [], [4009]])
        #expect(idle.deadline == nil)
        #expect(try Cluster().connect().deadline == nil)
    }
}
