import Channels
import PusherProtocol
import Testing
import WebSocketCore

@Suite("The HTTP API of one node and the clients of another", .timeLimit(.minutes(5)))
struct APIClusterTests {
    private let cluster = Cluster(nodes: 2)

    private func send(
        _ method: String, _ path: String, query: String = "", body: String = "", node: Int = 0,
        idempotencyKey: String? = nil
    ) -> Answer {
        var request = Signer(key: Cluster.key, second: 1).request(method, path, query: query, body: body)
        request.idempotencyKey = idempotencyKey
        let answers = Lock<[PusherAPIResponse]>([])
        PusherAPI(node: cluster.places[node].node).respond(to: request) { answer in
            answers.withLock { $0.append(answer) }
        }
        cluster.drain()
        return Answer(answers.withLock { $0.first } ?? PusherAPIResponse(status: 0, fields: [], body: []))
    }

    @Test("Section 7: socket_id leaves out a connection wherever it is; one that counts positions is told its position")
    func excluded() throws {
        let sender = try cluster.connect(node: 1)
        let other = try cluster.connect(node: 1)
        sender.subscribe("c", recover: "{}")
        other.subscribe("c")
        cluster.drain()
        _ = (sender.take(), other.take())
        let body = #"{"name":"n","data":"d","channel":"c","socket_id":"\#(sender.socket)","info":"position"}"#
        let answer = send("POST", "/apps/1/events", body: body)
        #expect(other.takeEvents() == ["n"])
        let told = try #require(sender.take().first)
        #expect(told.event == "parley:position")
        let epoch = try #require(told.epoch)
        #expect(answer.body == #"{"channels":{"c":{"position":{"epoch":"\#(epoch)","offset":1}}}}"#)
    }

    @Test("The position of the answer is the one that subscribers are told, and the history goes on from it")
    func position() throws {
        let client = try cluster.connect(node: 1)
        client.subscribe("private-c", recover: "{}")
        cluster.drain()
        _ = client.take()
        let answer = send(
            "POST", "/apps/1/events", body: #"{"name":"n","data":"1","channel":"private-c","info":"position"}"#)
        let event = try #require(client.take().first)
        let epoch = try #require(event.epoch)
        #expect(event.offset == 1)
        #expect(answer.body.contains(#""position":{"epoch":"\#(epoch)","offset":1}"#))
        _ = send("POST", "/apps/1/events", body: #"{"name":"n","data":"2","channel":"private-c"}"#)
        let history = send("GET", "/apps/1/channels/private-c/history", query: "since=\(epoch):1", node: 1)
        #expect(
            history.body == """
                {"epoch":"\(epoch)","offset":2,"oldest":1,"recovered":true,\
                "events":[{"offset":2,"event":"n","data":"2"}]}
                """)
    }

    @Test("Section 7: the connections of a user are closed with 4009 on every node, and nobody else's")
    func terminate() throws {
        let here = try cluster.connect(as: "u1", node: 0)
        let there = try cluster.connect(as: "u1", node: 1)
        let other = try cluster.connect(as: "u2", node: 1)
        #expect(send("POST", "/apps/1/users/u1/terminate_connections", body: "{}").status == 200)
        #expect(here.closes.map(\.code) == [4009])
        #expect(there.closes.map(\.code) == [4009])
        #expect(other.closes.isEmpty)
    }

    @Test("Section 5.8: what is published to a user's channel reaches its connections")
    func serverToUser() throws {
        let own = try cluster.connect(as: "u1", node: 1)
        let other = try cluster.connect(as: "u2", node: 1)
        own.subscribe("#server-to-user-u1")
        other.subscribe("#server-to-user-u1")
        cluster.drain()
        _ = (own.take(), other.take())
        let body = ##"{"name":"n","data":"d","channels":["#server-to-user-u1"]}"##
        #expect(send("POST", "/apps/1/events", body: body).status == 200)
        #expect(own.takeTexts() == [##"{"event":"n","channel":"#server-to-user-u1","data":"d"}"##])
        #expect(other.take().isEmpty)
    }

    @Test("Section 5.3: users are told by the text of their ids, each once, wherever their connections are")
    func users() throws {
        for (user, node) in [("10", 0), (#""anna""#, 1), (#""10""#, 1)] {
            try cluster.connect(node: node).join("presence-p", as: user)
            cluster.drain()
        }
        #expect(send("GET", "/apps/1/channels/presence-p/users").body == #"{"users":[{"id":"10"},{"id":"anna"}]}"#)
        #expect(
            send("GET", "/apps/1/channels", query: "filter_by_prefix=presence-&info=user_count", node: 1).body
                == #"{"channels":{"presence-p":{"user_count":2}}}"#)
    }

    @Test("Row 142: one key on two nodes is one publication")
    func idempotency() throws {
        let client = try cluster.connect(node: 1)
        client.subscribe("c")
        cluster.drain()
        _ = client.take()
        let body = #"{"name":"n","data":"d","channel":"c","info":"position"}"#
        let answers = [0, 1, 0].map { send("POST", "/apps/1/events", body: body, node: $0, idempotencyKey: "k") }
        #expect(answers[0].status == 200)
        #expect(answers.allSatisfy { $0 == answers[0] })
        #expect(client.takeEvents() == ["n"])
    }

    @Test("Connections are counted by app, on the node that is asked")
    func connections() throws {
        _ = try cluster.connect(node: 0)
        _ = try cluster.connect(node: 0)
        let third = try cluster.connect(node: 1)
        #expect(send("GET", "/apps/1/connections").body == #"{"connections":2}"#)
        #expect(send("GET", "/apps/1/connections", node: 1).body == #"{"connections":1}"#)
        third.closed()
        #expect(send("GET", "/apps/1/connections", node: 1).body == #"{"connections":0}"#)
    }
}
