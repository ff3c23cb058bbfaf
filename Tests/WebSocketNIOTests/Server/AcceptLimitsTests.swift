import NIOCore
import NIOPosix
import Testing
import WebSocketCore
import WebSocketNIO

@Suite("Limits at the door, on real sockets", .timeLimit(.minutes(5)))
struct AcceptLimitsTests {
    private static let page = "GET /plain HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

    @Test("A limit of 0 is an error at the start that names it")
    func zero() async throws {
        let changes: [(String, (inout AcceptLimits) -> Void)] = [
            ("maximumConnections", { $0.maximumConnections = 0 }),
            ("maximumConnectionsPerAddress", { $0.maximumConnectionsPerAddress = 0 }),
            ("connectionsPerSecond", { $0.connectionsPerSecond = 0 }), ("connectionBurst", { $0.connectionBurst = -1 }),
        ]
        for (name, change) in changes {
            var configuration = WebSocketServerConfiguration { _ in nil }
            configuration.port = 0
            change(&configuration.accept)
            let server = WebSocketServer(configuration: configuration)
            await #expect(throws: WebSocketError.limitBelowOne(name)) { try await server.start() }
            #expect("\(WebSocketError.limitBelowOne(name))".contains(name))
        }
    }

    // The limit was one of connections, and who came above it waited: now it is one of WebSockets, and others are served.
    @Test("At the limit an upgrade gets 503, ordinary requests are served, and as many come in as leave")
    func connectionsInAll() async throws {
        let refusals = Mailbox<AcceptRefusal>()
        try await withServer(configure: {
            $0.accept = .unlimited
            $0.accept.maximumConnections = 3
            $0.onAcceptRefused = { refusals.put($0) }
        }) { server in
            let visitor = try await RawPeer.connect(port: server.port)
            try await visitor.send("GET /plain HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await visitor.head().hasPrefix("HTTP/1.1 404 "))
            var peers: [RawPeer] = []
            for _ in 0..<3 {
                let peer = try await RawPeer.connect(port: server.port)
                #expect(try await peer.upgrade().hasPrefix("HTTP/1.1 101 "))
                peers.append(peer)
            }
            for _ in 0..<3 {
                let late = try await RawPeer.connect(port: server.port)
                let answer = try await late.upgrade()
                #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.contains("Retry-After: 1\r\n"))
                #expect(
                    try await refusals.next()
                        == AcceptRefusal(reason: .connectionLimit, peer: "127.0.0.1", isAnswered: true))
                let other = try await RawPeer.connect(port: server.port)
                try await other.send(Self.page)
                #expect(try await other.head().hasPrefix("HTTP/1.1 404 "))
            }
            for peer in peers {
                try await peer.send(WireFrame.text("served").masked)
                #expect(try await peer.frame() == .text("served"))
            }
            #expect(await server.server.connectionCount() == 3)
            try await peers[0].send(WireFrame.close(1000).masked)
            peers.append(try await Self.admitted(server.port))
            try await peers[1].reset()
            peers.append(try await Self.admitted(server.port))
            #expect(await server.server.connectionCount() == 3)
        }
    }

    @Test("The limit is never passed while connections come and go", arguments: [1, 3])
    func churn(_ limit: Int) async throws {
        try await withServer(configure: {
            $0.accept = .unlimited
            $0.accept.maximumConnections = limit
        }) { server in
            let open = Counter()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        for _ in 0..<10 {
                            let peer = try await Self.admitted(server.port)
                            open.add(1)
                            try await peer.send(WireFrame.text("a").masked)
                            #expect(try await peer.frame() == .text("a"))
                            open.add(-1)
                            try await peer.reset()
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(open.most <= limit && open.most > 0)
        }
    }

    // It was closed without a word.
    @Test("Over the limit of an address a connection gets 503 with words, until one of its others has ended")
    func perAddress() async throws {
        let refusals = Mailbox<AcceptRefusal>()
        try await withServer(configure: {
            $0.accept = .unlimited
            $0.accept.maximumConnectionsPerAddress = 2
            $0.accept.limitsLoopback = true
            $0.onAcceptRefused = { refusals.put($0) }
        }) { server in
            var peers: [RawPeer] = []
            for _ in 0..<2 {
                let peer = try await RawPeer.connect(port: server.port)
                #expect(try await peer.upgrade().hasPrefix("HTTP/1.1 101 "))
                peers.append(peer)
            }
            for _ in 0..<5 {
                let peer = try await RawPeer.connect(port: server.port)
                let answer = String(decoding: try await peer.rest(), as: UTF8.self)
                #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.contains("too many connections from one address"))
                #expect(
                    try await refusals.next()
                        == AcceptRefusal(reason: .addressLimit, peer: "127.0.0.1", isAnswered: true))
            }

            // Its end is known to the server a little later than here: until then the next one is closed, too.
            for _ in 0..<3 {
                peers.removeFirst().close()
                peers.append(try await Self.admitted(server.port))
                let peer = try await RawPeer.connect(port: server.port)
                let answer = String(decoding: try await peer.rest(), as: UTF8.self)
                #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 503 "))
            }
            try await peers[0].send(WireFrame.text("unharmed").masked)
            #expect(try await peers[0].message() == .text("unharmed"))
        }
    }

    @Test("Over the rate a connection is answered with 503 and Retry-After, and from 50 a second on with nothing")
    func rate() async throws {
        let refusals = Mailbox<AcceptRefusal>()
        try await withServer(configure: {
            $0.accept = .unlimited  // in all, too: the rate does not depend on it
            $0.accept.connectionsPerSecond = 1
            $0.accept.connectionBurst = 20
            $0.onAcceptRefused = { refusals.put($0) }
        }) { server in
            let first = try await RawPeer.connect(port: server.port)
            _ = try await first.upgrade()
            var statuses: [String] = []
            // A slow machine earns some more while it is at it.
            while !statuses.contains(""), statuses.count < 4_000 {
                var peers: [RawPeer] = []
                for _ in 0..<200 { peers.append(try await RawPeer.connect(port: server.port)) }
                for peer in peers {
                    try? await peer.send(Self.page)
                    let answer = String(decoding: try await peer.rest(), as: UTF8.self)
                    if answer.hasPrefix("HTTP/1.1 503 ") {
                        #expect(answer.contains("\r\nRetry-After: 1\r\n"))
                        #expect(answer.contains("\r\nConnection: close\r\n"))
                    }
                    statuses.append(String(answer.dropFirst(9).prefix(3)))
                }
            }
            // Which of those that come together has its turn first is the loops' affair.
            #expect(statuses.prefix(200).count { $0 == "404" } >= 19)
            #expect(statuses.count { $0 == "503" } >= 50)
            #expect(try await refusals.next() == AcceptRefusal(reason: .rate, peer: "127.0.0.1", isAnswered: true))
            var isAnswered = true
            while isAnswered { isAnswered = try await refusals.next().isAnswered }
            try await first.send(WireFrame.text("unharmed").masked)
            #expect(try await first.message() == .text("unharmed"))
        }
    }

    /// A connection that is let in; who is not tries again.
    private static func admitted(_ port: Int) async throws -> RawPeer {
        try await within(patience, "a connection that is let in") {
            while true {
                let peer = try await RawPeer.connect(port: port)
                try? await peer.send(RawPeer.request())
                let answer = try await peer.take("an answer or the end") { bytes, hasEnded -> String? in
                    let text = String(decoding: bytes, as: UTF8.self)
                    guard hasEnded || text.hasSuffix("\r\n\r\n") else { return nil }
                    bytes = []
                    return text
                }
                if answer.hasPrefix("HTTP/1.1 101 ") { return peer }
            }
        }
    }

    @Test("Behind a proxy a client counts while its request is answered, not as long as the proxy keeps the connection")
    func clientOfKeptConnection() async throws {
        try await withServer(configure: {
            $0.accept = .unlimited
            $0.accept.maximumConnectionsPerAddress = 1
            $0.proxies.networks = ["127.0.0.0/8"].compactMap { AddressNetwork($0) }
        }) { server in
            let client = "X-Forwarded-For: 203.0.113.1\r\n"
            let kept = try await RawPeer.connect(port: server.port)
            try await kept.send("OPTIONS /plain HTTP/1.1\r\nHost: a\r\n\(client)\r\n")
            #expect(try await kept.head().hasPrefix("HTTP/1.1 204 "))
            let upgraded = try await RawPeer.connect(port: server.port)
            #expect(try await upgraded.upgrade(fields: client).hasPrefix("HTTP/1.1 101 "))
            let second = try await RawPeer.connect(port: server.port)
            #expect(try await second.upgrade(fields: client).hasPrefix("HTTP/1.1 503 "))
            kept.close()
        }
    }

    @Test("A server that drains answers each request as the last of its connection, and accepts no upgrade")
    func draining() async throws {
        try await withServer { server in
            let request = "OPTIONS /plain HTTP/1.1\r\nHost: a\r\n\r\n"
            let peer = try await RawPeer.connect(port: server.port)
            try await peer.send(request)
            #expect(!(try await peer.head().lowercased().contains("connection: close")))
            server.server.beginDraining()
            try await peer.send(request)
            #expect(try await peer.head().lowercased().contains("connection: close"))
            let late = try await RawPeer.connect(port: server.port)
            #expect(try await late.upgrade().hasPrefix("HTTP/1.1 503 "))
        }
    }
}
