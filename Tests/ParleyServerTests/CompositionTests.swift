import Channels
import Logging
import ParleyServer
import PusherProtocol
import Reactor
import ServiceLifecycle
import Testing
import WebSocketCompression
import WebSocketCore
import WebSocketNIO

/// What the operator sets has to reach the part that it is for: nothing but a whole server shows that.
@Suite("The server as it is put together", .timeLimit(.minutes(5)))
struct CompositionTests {
    private static let paths = ["/", "/app/key-1?protocol=7"]

    @Test(
        "Beside a list of origins the server's own page may connect, by the names that are surely its own",
        arguments: paths)
    func origins(_ path: String) async throws {
        try await withParley(configure: { $0.allowedOrigins = ["https://a.example"] }) { parley in
            let own = "127.0.0.1:\(parley.port)"
            let rebound = "rebound.example:\(parley.port)"
            for (host, origin, status) in [
                ("a", "https://a.example", 101), ("a", "https://b.example", 403), (own, "http://\(own)", 101),
                ("a", "http://\(own)", 101), ("a", "http://localhost:\(parley.port)", 101),
                // A name that leads to this machine by DNS rebinding.
                (rebound, "http://\(rebound)", 403),
            ] {
                let peer = try await HTTPPeer.connect(port: parley.port)
                let answer = try await peer.upgrade(path, host: host, fields: "Origin: \(origin)\r\n")
                #expect(answer.status == status, "\(origin) at \(host)")
                peer.close()
            }
        }
    }

    @Test("The limits of connections are those of the listener")
    func accept() async throws {
        try await withParley(configure: {
            $0.accept.maximumConnectionsPerAddress = 1
            $0.accept.limitsLoopback = true
        }) { parley in
            let first = try await HTTPPeer.connect(port: parley.port)
            #expect(try await first.upgrade().status == 101)
            let second = try await HTTPPeer.connect(port: parley.port)
            #expect(try await second.upgrade().status == 503)
            first.close()
        }
    }

    @Test("A trusted proxy names the clients, and each has the limit of an address")
    func proxies() async throws {
        try await withParley(configure: {
            $0.accept.maximumConnectionsPerAddress = 1
            $0.proxies.networks = ["127.0.0.0/8"].compactMap { AddressNetwork($0) }
        }) { parley in
            for (client, status) in [("203.0.113.1", 101), ("203.0.113.1", 503), ("203.0.113.2", 101)] {
                let peer = try await HTTPPeer.connect(port: parley.port)
                #expect(try await peer.upgrade(fields: "X-Forwarded-For: \(client)\r\n").status == status, "\(client)")
            }
        }
    }

    @Test("The compression is that of the connections")
    func compression() async throws {
        for mode in [CompressionMode.off, .shared] {
            try await withParley(configure: { $0.compression = DeflateConfiguration(mode: mode) }) { parley in
                let peer = try await HTTPPeer.connect(port: parley.port)
                let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n"
                let head = try await peer.upgrade(fields: offer).head
                #expect(head.contains("permessage-deflate") == (mode == .shared))
                peer.close()
            }
        }
    }

    @Test("The limits of HTTP are those of the front door")
    func http() async throws {
        try await withParley(configure: { $0.http.maximumTargetBytes = 100 }) { parley in
            let peer = try await HTTPPeer.connect(port: parley.port)
            try await peer.send("GET /\(String(repeating: "a", count: 100)) HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await peer.answer().status == 414)
        }
    }

    @Test("The assembly budget is that of the connections", arguments: [true, false])
    func assemblyBudget(_ isReactor: Bool) async throws {
        try await withParley(configure: {
            $0.assemblyBudget = 100_000
            $0.carrier = isReactor ? .auto : .nio
        }) { parley in
            let peer = try await HTTPPeer.connect(port: parley.port)
            #expect(try await peer.upgrade().status == 101)
            try await peer.sendFrame(1, [UInt8](repeating: 0x61, count: 200_000), isFinal: false)
            #expect(try await peer.frame().code == 1013)
        }
    }

    @Test(
        "The output budget is that of the connections, and a reader that is cut off is logged",
        arguments: [true, false])
    func outputBudget(_ isReactor: Bool) async throws {
        let log = LogRecorder()
        try await withParley(
            configure: {
                $0.outputBudget = 1 << 20
                $0.carrier = isReactor ? .auto : .nio
                // Nothing else cuts it off.
                $0.appLimits.maximumPendingBytes = 1 << 30
                $0.appLimits.softPendingBytes = 1 << 30
                $0.appLimits.maximumPendingAge = 600_000
            }, log: log
        ) { parley in
            let slow = try await HTTPPeer.connect(port: parley.port, receiveBuffer: 4096)
            #expect(try await slow.upgrade("/app/key-1?protocol=7").status == 101)
            _ = try await slow.frame()
            try await slow.sendText(#"{"event":"pusher:subscribe","data":{"channel":"c"}}"#)
            #expect(try await slow.frame().text.contains("subscription_succeeded"))
            try await slow.setReading(false)
            let backEnd = try await HTTPPeer.connect(port: parley.port)
            let event = SignedRequest.text(
                "POST", "/apps/1/events", SignedRequest.event(String(repeating: "x", count: 9_000)))
            // More than the kernel holds for one connection.
            for _ in 0..<20 {
                try await backEnd.send(String(repeating: event, count: 50))
                for _ in 0..<50 { #expect(try await backEnd.answer().status == 200) }
            }
            let line = try #require(try await log.line("slow reader cut off"))
            #expect(line.level == .warning)
            #expect(line.metadata["peer"]?.hasPrefix("127.0.0.1:") == true)
            slow.close()
        }
    }

    @Test("What peers are refused is logged, by whatever part of the server")
    func refusals() async throws {
        let log = LogRecorder()
        try await withParley(configure: { $0.allowedOrigins = ["https://a.example"] }, log: log) { parley in
            let page = try await HTTPPeer.connect(port: parley.port)
            #expect(try await page.upgrade(fields: "Origin: https://b.example\r\n").status == 403)
            #expect(try await log.line("refused", reason: "403")?.metadata["sent"]?.contains("b.example") == true)
            let backEnd = try await HTTPPeer.connect(port: parley.port)
            try await backEnd.send("GET /apps/1/channels HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await backEnd.answer().status == 401)
            #expect(try await log.line("refused", reason: "401") != nil)
            let client = try await HTTPPeer.connect(port: parley.port)
            #expect(try await client.upgrade("/app/key-1?protocol=7").status == 101)
            try await client.sendFrame(1, [0xFF])
            #expect(try await log.line("refused", reason: "1007") != nil)
        }
    }

    @Test("A client of an app is pinged as its app says, and one that has a name is alive by its messages only")
    func pings() async throws {
        try await withParley(configure: {
            $0.apps[0].limits.activityTimeout = 1
            $0.apps[0].limits.pongTimeout = 1
            $0.appLimits.pingInterval = 600_000
            $0.appLimits.pongTimeout = 600_000
        }) { parley in
            for name in ["", "&client=js"] {
                let peer = try await HTTPPeer.connect(port: parley.port)
                #expect(try await peer.upgrade("/app/key-1?protocol=7\(name)").status == 101)
                var pings = 0
                var code: UInt16?
                while code == nil, pings < 3 {
                    let frame = try await peer.frame()
                    code = frame.code
                    guard frame.opcode == 9 else { continue }
                    pings += 1
                    try await peer.sendFrame(10, frame.payload)
                }
                #expect(code == (name.isEmpty ? nil : 4201))
                peer.close()
            }
            let silent = try await HTTPPeer.connect(port: parley.port)
            #expect(try await silent.upgrade("/app/key-1?protocol=7").status == 101)
            var code: UInt16?
            while code == nil { code = try await silent.frame().code }
            #expect(code == 4201)
        }
    }

    @Test("A client of an app that sends too much is told so before it is closed")
    func rate() async throws {
        try await withParley(configure: {
            $0.appLimits.messagesPerSecond = 10
            $0.appLimits.maximumHoldTime = 500
        }) { parley in
            let peer = try await HTTPPeer.connect(port: parley.port)
            #expect(try await peer.upgrade("/app/key-1?protocol=7").status == 101)
            for _ in 0..<200 { try await peer.sendText(#"{"event":"pusher:ping","data":{}}"#) }
            var frames: [HTTPPeer.Frame] = []
            while frames.last?.code == nil { frames.append(try await peer.frame()) }
            #expect(frames.dropLast().last?.text.contains("pusher:error") == true)
        }
    }

    @Test("A lenient app takes any subprotocol that its client offers, a strict one none", arguments: [true, false])
    func subprotocol(_ isLenient: Bool) async throws {
        try await withParley(configure: { $0.apps[0].dialect = isLenient ? .lenient : .strict }) { parley in
            let peer = try await HTTPPeer.connect(port: parley.port)
            let head = try await peer.upgrade(
                "/app/key-1?protocol=7", fields: "Sec-WebSocket-Protocol: mine\r\n"
            ).head.lowercased()
            #expect(head.contains("sec-websocket-protocol: mine") == isLenient)
        }
    }

    @Test("What an app's client has missed comes in whole, however slowly it is taken")
    func longRecovery() async throws {
        try await withParley(configure: { $0.apps[0].retention.bytes = 8 << 20 }) { parley in
            let path = "/app/key-1?protocol=7"
            let backEnd = try await HTTPPeer.connect(port: parley.port)
            let publish = SignedRequest.text(
                "POST", "/apps/1/events", SignedRequest.event(String(repeating: "x", count: 9_000)))
            for _ in 0..<6 {
                try await backEnd.send(String(repeating: publish, count: 50))
                for _ in 0..<50 { #expect(try await backEnd.answer().status == 200) }
            }
            let here = try await HTTPPeer.connect(port: parley.port)
            #expect(try await here.upgrade(path).status == 101)
            _ = try await here.frame()
            try await here.sendText(#"{"event":"pusher:subscribe","data":{"channel":"c","recover":{}}}"#)
            let start = try await here.frame().text
            let mark = try #require(start.firstRange(of: #""epoch":""#)?.upperBound)
            let epoch = start[mark...].prefix { $0 != "\"" }
            let slow = try await HTTPPeer.connect(port: parley.port, receiveBuffer: 4096)
            #expect(try await slow.upgrade(path).status == 101)
            _ = try await slow.frame()
            let recover = "{\"epoch\":\"\(epoch)\",\"offset\":250}"
            try await slow.sendText(
                "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"c\",\"recover\":\(recover)}}")
            #expect(try await slow.frame().text.contains(#""recovered":true"#))
            for offset in 251...300 {
                #expect(try await slow.frame().text.contains("\"offset\":\(offset)"))
            }
        }
    }

    @Test("What a visitor of the room has missed comes in whole, however slowly it is taken")
    func longRoomRecovery() async throws {
        try await withParley(configure: {
            $0.roomLimits.bytesPerSecond = nil
            $0.roomLimits.messagesPerSecond = nil
        }) { parley in
            let speaks = try await HTTPPeer.connect(port: parley.port)
            #expect(try await speaks.upgrade().status == 101)
            try await speaks.sendText("type=add&ming=Ann&resume=")
            for number in 0..<50 {
                try await speaks.sendText("nr=\(number)\(String(repeating: "x", count: 60_000))&key=all")
            }
            var said = 0
            while said < 50 { if try await speaks.frame().payload.count > 60_000 { said += 1 } }
            let slow = try await HTTPPeer.connect(port: parley.port, receiveBuffer: 4096)
            #expect(try await slow.upgrade().status == 101)
            try await slow.sendText("type=add&ming=Bob&resume=")
            var missed = 0
            while missed < 50 {
                let text = try await slow.frame().text
                if text.utf8.count > 60_000 {
                    #expect(text.contains("\"\(missed)x"))
                    missed += 1
                }
            }
        }
    }

    @Test("The room has an equal share of what is kept from the start, beside the apps")
    func shares() async throws {
        var counts: [Int] = []
        for servesRoom in [false, true] {
            try await withParley(configure: {
                $0.servesRoom = servesRoom
                $0.idempotencyBudget = 60_000
            }) { parley in
                let backEnd = try await HTTPPeer.connect(port: parley.port)
                var count = 0
                while count < 1_000 {
                    try await backEnd.send(
                        SignedRequest.text(
                            "POST", "/apps/1/events", SignedRequest.event("x"),
                            fields: "Idempotency-Key: \(10_000 + count)\r\n"))
                    guard try await backEnd.answer().status == 200 else { break }
                    count += 1
                }
                counts.append(count)
            }
        }
        #expect(counts[1] < counts[0])
        #expect(counts[0] < 1_000)
    }

    @Test("The room takes text only, knows whom it has lost, and refuses a name that is none")
    func room() async throws {
        try await withParley { parley in
            let stays = try await HTTPPeer.connect(port: parley.port)
            #expect(try await stays.upgrade().status == 101)
            try await stays.sendText("type=add&ming=Ann")
            #expect(try await stays.frame().text.contains("Ann"))
            let leaves = try await HTTPPeer.connect(port: parley.port)
            #expect(try await leaves.upgrade().status == 101)
            try await leaves.sendText("type=add&ming=Bob")
            while !(try await leaves.frame().text.contains("Bob")) {}
            while !(try await stays.frame().text.contains("Bob")) {}
            try await leaves.sendFrame(2, [1, 2, 3])
            while true {
                let frame = try await leaves.frame()
                guard let code = frame.code else { continue }
                #expect(code == 1003)
                break
            }
            leaves.close()
            // What stays is told of it.
            #expect(try await stays.frame().opcode == 1)
            let nowhere = try await HTTPPeer.connect(port: parley.port)
            #expect(
                try await nowhere.upgrade("/?room=\(String(repeating: "a", count: 10_000).prefix(2_000))").status == 101
            )
            #expect(try await nowhere.frame().code == 1008)
        }
    }

    @Test("While the server drains a load balancer is told so, and nobody new is let in; who is there stays")
    func draining() async throws {
        var configuration = RunningParley.configuration
        configuration.drainDelay = .seconds(600)
        let log = LogRecorder()
        let (ports, announced) = AsyncStream<Int>.makeStream()
        let server = ParleyServer(configuration: configuration, logger: log.logger) { announced.yield($0.port) }
        let group = ServiceGroup(
            configuration: .init(services: [.init(service: server)], logger: Logger(label: "test")))
        let run = Task { try await group.run() }
        let port = try #require(await ports.first { _ in true })
        let there = try await HTTPPeer.connect(port: port)
        #expect(try await there.upgrade().status == 101)
        let balancer = try await HTTPPeer.connect(port: port)
        try await balancer.send("GET /up HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try await balancer.answer().status == 200)
        await group.triggerGracefulShutdown()
        #expect(try await log.line("shutting down") != nil)
        try await balancer.send("GET /up HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try await balancer.answer().status == 503)
        for path in Self.paths {
            let late = try await HTTPPeer.connect(port: port)
            #expect(try await late.upgrade(path).status == 503)
        }
        try await there.sendText("type=add&ming=Ann")
        #expect(try await there.frame().text.contains("Ann"))
        server.endDrainDelay()
        while try await there.frame().code == nil {}
        there.close()
        try await run.value
    }
}
