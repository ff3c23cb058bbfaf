import Channels
import PusherProtocol
import Testing

@Suite("What connections take and leave behind", .timeLimit(.minutes(5)))
struct ConnectionMemoryTests {
    @Test("A connection that is closed leaves nothing behind, signed in, watching and subscribed as it may be")
    func freed() throws {
        let cluster = Cluster { $0.authorizationTimeout = 1_000 }
        weak var plain: Client?
        weak var signedIn: Client?
        weak var ended: Client?
        do {
            let first = try cluster.connect()
            first.subscribe("cache-room")
            first.join("presence-room", as: #""anna""#, info: #"{"a":"b"}"#)
            let second = try cluster.connect(as: "anna", more: #","watchlist":["anna","ben"]"#)
            second.subscribe("#server-to-user-anna")
            second.subscribe("presence-room")
            let third = try cluster.connect(as: "ben", more: #","watchlist":["anna"]"#)
            third.subscribe("room", recover: "{}")
            cluster.drain()
            third.drain()
            (plain, signedIn, ended) = (first, second, third)
            for client in [first, second, third] { client.closed() }
        }
        cluster.drain()
        #expect(plain == nil)
        #expect(signedIn == nil)
        #expect(ended == nil)
        #expect(try cluster.app.hub.channelCount == 0)
        #expect(try cluster.app.connectionCount == 0)
    }

    @Test("A connection that is lost while it signs in leaves nothing behind either")
    func lostAtOnce() throws {
        let cluster = Cluster()
        weak var lost: Client?
        do {
            let client = try cluster.connect()
            client.signIn(#"{"id":"anna","watchlist":["ben"]}"#)
            client.join("presence-room", as: "1")
            client.closed()
            lost = client
        }
        cluster.drain()
        #expect(lost == nil)
        #expect(try cluster.app.hub.channelCount == 0)
    }
}
