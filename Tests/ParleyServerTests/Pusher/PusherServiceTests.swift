import Channels
import Foundation
import ParleyServer
import PusherProtocol
import Reactor
import Testing
import WebSocketCore
import WebSocketNIO

@Suite("Apps over real sockets", .serialized, .timeLimit(.minutes(5)))
struct PusherServiceTests {
    private func text(_ socket: AsyncWebSocket) async -> String? {
        guard case .text(let text)? = await socket.receive() else { return nil }
        return text
    }

    @Test(
        "A client connects, subscribes and gets what a back end publishes, on either carrier", arguments: [true, false])
    func publish(_ isReactor: Bool) async throws {
        try await withParley(configure: { $0.carrier = isReactor ? .auto : .nio }) { parley in
            let socket = try await WebSocketClient().connect(to: parley.url)
            let hello = try #require(await text(socket))
            #expect(hello.hasPrefix("{\"event\":\"pusher:connection_established\",\"data\":\"{\\\"socket_id\\\":\\\""))
            try await socket.send(#"{"event":"pusher:subscribe","data":{"channel":"c","recover":{}}}"#)
            let success = try #require(await text(socket))
            #expect(success.contains("pusher_internal:subscription_succeeded"))
            let peer = try await HTTPPeer.connect(port: parley.port)
            try await peer.send(SignedRequest.text("POST", "/apps/1/events", SignedRequest.event("hi")))
            #expect(try await peer.answer().status == 200)
            let event = try #require(await text(socket))
            #expect(event.contains(#""event":"e","channel":"c""#) && event.contains(#""data":"hi""#))
            #expect(event.contains(#""offset":1"#))
            _ = await socket.close()
        }
    }

    @Test(
        "A handshake that leads nowhere is told why in both ways that clients read, after the 101",
        arguments: [
            ("/app/unknown?protocol=7", 4001), ("/app/key-1?protocol=4", 4007), ("/app/key-1", 4008),
            ("/prefix/app/key-3?protocol=7", 4003), ("/app/key-1/more?protocol=7", 4005),
        ])
    func refused(_ path: String, _ code: UInt16) async throws {
        try await withParley(configure: { configuration in
            var app = PusherApp(id: "3", name: "off", keys: [PusherKey(key: "key-3", secret: "s")])
            app.isEnabled = false
            configuration.apps.append(app)
        }) { parley in
            let socket = try await WebSocketClient().connect(to: "ws://127.0.0.1:\(parley.port)\(path)")
            let error = try #require(await text(socket))
            #expect(error.contains("pusher:error") && error.contains(String(code)))
            #expect(await text(socket) == nil)
            #expect(await socket.outcome.code.rawValue == code)
        }
    }

    @Test("The room is where it was, beside the apps; without the room other paths have no WebSocket")
    func room() async throws {
        try await withParley { parley in
            let socket = try await WebSocketClient().connect(to: "ws://127.0.0.1:\(parley.port)/anything")
            try await socket.send("type=add&ming=Ann")
            #expect(try #require(await text(socket)).contains("Ann"))
            _ = await socket.close()
        }
        try await withParley(configure: { $0.servesRoom = false }) { parley in
            await #expect(throws: HandshakeFailure.self) {
                try await WebSocketClient().connect(to: "ws://127.0.0.1:\(parley.port)/anything")
            }
        }
    }

    @Test(
        "A server that ends tells an app's clients 4100, in both ways that they read, and the room's 1001",
        arguments: [true, false])
    func end(_ isReactor: Bool) async throws {
        var sockets: [AsyncWebSocket] = []
        try await withParley(configure: { $0.carrier = isReactor ? .auto : .nio }) { parley in
            for url in [parley.url, "ws://127.0.0.1:\(parley.port)/"] {
                sockets.append(try await WebSocketClient().connect(to: url))
            }
            _ = await text(sockets[0])
        }
        let last = try #require(await text(sockets[0]))
        #expect(last.hasPrefix(#"{"event":"pusher:error""#) && last.contains(#""code":4100"#))
        #expect(await text(sockets[0]) == nil)
        while await text(sockets[1]) != nil {}
        #expect(await sockets[0].outcome.code.rawValue == 4100)
        #expect(await sockets[1].outcome.code.rawValue == 1001)
    }

    @Test("A connection that has to prove itself and does not is closed with 4009; one that does stays")
    func authorization() async throws {
        try await withParley(configure: { $0.apps[0].authorizationTimeout = 1_000 }) { parley in
            let idle = try await WebSocketClient().connect(to: parley.url)
            let proven = try await WebSocketClient().connect(to: parley.url)
            let hello = try #require(await text(proven))
            let mark = #"\"socket_id\":\""#
            let start = try #require(hello.range(of: mark)?.upperBound)
            let socketID = hello[start...].prefix { $0 != "\\" }
            let signature = PusherSignature.sign(Array("\(socketID):private-c".utf8), with: RunningParley.key.secret)
            let auth = "\(RunningParley.key.key):\(String(decoding: signature, as: UTF8.self))"
            try await proven.send(
                "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"private-c\",\"auth\":\"\(auth)\"}}")
            #expect(try #require(await text(proven)).contains("subscription_succeeded"))
            _ = await text(idle)
            #expect(try #require(await text(idle)).contains("4009"))
            #expect(await text(idle) == nil)
            #expect(await idle.outcome.code.rawValue == 4009)
            try await proven.send(#"{"event":"pusher:ping","data":{}}"#)
            #expect(try #require(await text(proven)).contains("pusher:pong"))
            _ = await proven.close()
        }
    }

    @Test("Only listed origins may connect to apps, too")
    func origins() async throws {
        try await withParley(configure: { $0.allowedOrigins = ["https://a.example"] }) { parley in
            let upgrade =
                "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            for (origin, status) in [("https://a.example", 101), ("https://b.example", 403)] {
                let peer = try await HTTPPeer.connect(port: parley.port)
                try await peer.send("GET /app/key-1?protocol=7 HTTP/1.1\r\nHost: a\r\nOrigin: \(origin)\r\n" + upgrade)
                #expect(try await peer.answer().status == status)
                peer.close()
            }
        }
    }
}
