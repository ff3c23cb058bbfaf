import NIOCore
import NIOPosix
import Testing
import WebSocketCompression
import WebSocketCore
import WebSocketNIO

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

@Suite("Server and client over real sockets", .timeLimit(.minutes(5)))
struct WebSocketServerTests {
    static let modes: [CompressionMode] = [.off, .shared, .dedicated]

    static let messages: [WebSocketMessage] = [
        .text("hello"), .text("你好, 世界 🎉"), .text(""), .binary([]), .binary([0, 1, 2, 255]),
        .binary((0..<70_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }),
        .text(String(repeating: "seventy thousand ", count: 4_200)),
        .binary([UInt8](repeating: 7, count: 1024 * 1024)),
    ]

    private func client(_ mode: CompressionMode, subprotocols: [String] = []) -> WebSocketClient {
        var configuration = WebSocketClientConfiguration.wide
        configuration.compression = DeflateConfiguration(mode: mode)
        configuration.subprotocols = subprotocols
        return WebSocketClient(configuration: configuration)
    }

    @Test(
        "Every kind and size of message comes back, with each mode of compression on either side", arguments: modes,
        modes)
    func echo(_ serverMode: CompressionMode, _ clientMode: CompressionMode) async throws {
        try await withServer(configure: { $0.compression = DeflateConfiguration(mode: serverMode) }) { server in
            let log = SessionLog()
            try await client(clientMode).connect(to: server.url) { LoggingSession(log, subprotocol: $0) }
            for message in Self.messages {
                try await log.onLoop { connection in
                    switch message {
                    case .text(let text): connection.send(text)
                    case .binary(let bytes): connection.send(.binary, bytes.span.bytes)
                    }
                }
                #expect(try await log.message() == message)
            }
            _ = try await log.onLoop { $0.close(.normal, reason: "done") }
            let outcome = CloseOutcome(code: .normal, reason: "done", wasClean: true)
            #expect(try await log.outcome() == outcome)
            #expect(try await server.sessions.next().outcome() == outcome)
            #expect(await server.server.connectionCount() == 0)
        }
    }

    @Test(
        "Compression is agreed on and used: repetition leaves in few bytes (RFC 7692 §7)",
        arguments: [
            CompressionMode.shared, .dedicated,
        ])
    func compressionOnTheWire(_ mode: CompressionMode) async throws {
        try await withServer(configure: { $0.compression = DeflateConfiguration(mode: mode) }) { server in
            let peer = try await RawPeer.connect(port: server.port)
            let head = try await peer.upgrade(fields: "Sec-WebSocket-Extensions: permessage-deflate\r\n")
            #expect(head.contains("\r\nSec-WebSocket-Extensions: permessage-deflate"))
            #expect(head.contains("server_no_context_takeover") == (mode == .shared))
            // Incompressible alone, so that only a window over the messages makes the second one small.
            var random = SplitMix(seed: 3)
            let payload = (0..<1_000).map { _ in UInt8.random(in: 0...255, using: &random) }
            var sizes: [Int] = []
            for _ in 0..<2 {
                try await peer.send(WireFrame.binary(payload).masked)
                let frame = try await peer.frame()
                #expect(frame.isCompressed)
                sizes.append(frame.payload.count)
            }
            #expect(sizes[0] >= 1_000)
            #expect(mode == .dedicated ? sizes[1] < 50 : sizes[1] == sizes[0])
        }
        try await withServer { server in
            let peer = try await RawPeer.connect(port: server.port)
            let head = try await peer.upgrade(fields: "Sec-WebSocket-Extensions: permessage-deflate\r\n")
            #expect(!head.contains("Extensions"))
            try await peer.send(WireFrame.text(String(repeating: "a", count: 500)).masked)
            #expect(try await peer.frame() == .text(String(repeating: "a", count: 500)))
        }
    }

    @Test("The client offers compression and uses it", arguments: [CompressionMode.shared, .dedicated])
    func clientCompresses(_ mode: CompressionMode) async throws {
        let server = try await RawServer()
        let log = SessionLog()
        let connecting = Task { [client = client(mode)] in
            try await client.connect(to: "ws://127.0.0.1:\(server.port)/") { LoggingSession(log, subprotocol: $0) }
        }
        let peer = try await server.peers.next()
        let request = try await peer.head()
        #expect(request.contains("\r\nSec-WebSocket-Extensions: permessage-deflate"))
        let answer = mode == .shared ? "; server_no_context_takeover; client_no_context_takeover" : ""
        try await peer.send(
            RawHandshake.answer(to: request, fields: "Sec-WebSocket-Extensions: permessage-deflate\(answer)\r\n"))
        try await connecting.value
        let text = String(repeating: "again ", count: 200)
        _ = try await log.onLoop { $0.send(text) }
        let frame = try await peer.frame()
        #expect(frame.isMasked && frame.isCompressed && frame.payload.count < 200)
        await server.stop()
    }

    @Test("The first subprotocol of the client's that the server speaks is chosen (RFC 6455 §1.9)")
    func subprotocol() async throws {
        try await withServer(handshake: ServerHandshake(subprotocols: ["chat", "superchat"])) { server in
            for (offered, chosen) in [(["x", "superchat", "chat"], "superchat"), (["x"], nil), ([], nil)] {
                let log = SessionLog()
                try await client(.off, subprotocols: offered).connect(to: server.url) {
                    LoggingSession(log, subprotocol: $0)
                }
                #expect(try await log.events.next() == .opened(subprotocol: chosen))
                #expect(try await server.sessions.next().events.next() == .opened(subprotocol: chosen))
            }
        }
    }

    @Test("A close from the server arrives with code and reason, on both sides")
    func serverCloses() async throws {
        try await withServer { server in
            let log = SessionLog()
            try await client(.off).connect(to: server.url) { LoggingSession(log, subprotocol: $0) }
            let session = try await server.sessions.next()
            _ = try await session.events.next()
            _ = try await session.onLoop { $0.close(CloseCode(rawValue: 4_000), reason: "再见") }
            let outcome = CloseOutcome(code: CloseCode(rawValue: 4_000), reason: "再见", wasClean: true)
            #expect(try await log.outcome() == outcome)
            #expect(try await session.outcome() == outcome)
        }
    }

    @Test("The server closes the transport first, behind its close frame (RFC 6455 §7.1.1)")
    func transportEnd() async throws {
        try await withServer { server in
            let peer = try await RawPeer.connect(port: server.port)
            _ = try await peer.upgrade()
            try await peer.send(WireFrame.text("a").masked + WireFrame.close(1000, "x").masked)
            #expect(try await peer.frame() == .text("a"))
            #expect(try await peer.frame() == .close(1000))
            #expect(try await peer.rest() == [])
            let outcome = try await server.sessions.next().outcome()
            #expect(outcome == CloseOutcome(code: .normal, reason: "x", wasClean: true))
        }
    }

    @Test("A peer that never answers the close frame is cut off after the close timeout")
    func closeTimeout() async throws {
        var limits = ConnectionLimits.wide
        limits.closeTimeout = 100
        try await withServer(limits: limits) { server in
            let peer = try await RawPeer.connect(port: server.port)
            _ = try await peer.upgrade()
            let session = try await server.sessions.next()
            _ = try await session.events.next()
            _ = try await session.onLoop { $0.close(.normal) }
            #expect(try await peer.frame() == .close(1000))
            #expect(try await peer.rest() == [])
            #expect(try await session.outcome() == CloseOutcome(code: .normal, reason: "", wasClean: false))
        }
    }

    @Test("A peer that resets the connection ends it with 1006 and harms nobody else")
    func reset() async throws {
        try await withServer { server in
            let other = try await RawPeer.connect(port: server.port)
            _ = try await other.upgrade()
            _ = try await server.sessions.next()
            let peer = try await RawPeer.connect(port: server.port)
            _ = try await peer.upgrade()
            try await peer.send(WireFrame.text("half").masked.dropLast(2) + [])
            try await peer.reset()
            #expect(try await server.sessions.next().outcome().code == .abnormalClosure)
            try await other.send(WireFrame.text("unharmed").masked)
            #expect(try await other.message() == .text("unharmed"))
        }
    }

    @Test("A peer that ends its side gets what was on its way, however much, and then the end")
    func halfClose() async throws {
        var limits = ConnectionLimits.wide
        limits.setMaximumMessage(bytes: 32 * 1024 * 1024)
        limits.lingerTimeout = 120_000  // times are not what is tested here, and a sanitizer is slow
        limits.pingInterval = 120_000
        try await withServer(limits: limits) { server in
            let peer = try await RawPeer.connect(port: server.port, isReading: false)
            peer.post(Array(RawPeer.request().utf8))
            let payload = [UInt8](repeating: 8, count: 16 * 1024 * 1024)
            peer.post(WireFrame.binary(payload).masked)
            try await peer.endOutput()
            try await peer.setReading(true)
            _ = try await peer.head()
            #expect(try await peer.frame() == .binary(payload))
            #expect(try await peer.rest() == [])
        }
    }

    @Test("A dead peer is pinged and given up; one that answers is kept")
    func keepAlive() async throws {
        var limits = ConnectionLimits.wide
        limits.pingInterval = 100
        limits.pongTimeout = 3_000
        try await withServer(limits: limits) { server in
            let alive = SessionLog()
            try await client(.off).connect(to: server.url) { LoggingSession(alive, subprotocol: $0) }
            let kept = try await server.sessions.next()
            let dead = try await RawPeer.connect(port: server.port)
            _ = try await dead.upgrade()
            let lost = try await server.sessions.next()
            #expect(try await dead.frame() == .ping())
            #expect(try await lost.outcome() == CloseOutcome(code: .abnormalClosure, reason: "", wasClean: false))
            #expect(try await dead.rest() == [])
            _ = try await kept.onLoop { $0.send("still here") }
            #expect(try await alive.message() == .text("still here"))
        }
    }

    @Test("A port in use is an error of the system, and the address tells the port that was bound")
    func portInUse() async throws {
        try await withServer { server in
            var configuration = WebSocketServerConfiguration { _ in nil }
            configuration.port = server.port
            let second = WebSocketServer(configuration: configuration)
            do {
                try await second.start()
                Issue.record("two servers on one port")
            } catch let error as IOError {
                #expect(error.errnoCode == EADDRINUSE)
            }
        }
    }

    // MARK: - Slow readers

    @Test("A server that listens can not be started once more")
    func startsOnce() async throws {
        let server = WebSocketServer(configuration: WebSocketServerConfiguration { _ in nil }.onFreePort)
        try await server.start()
        await #expect(throws: WebSocketError.alreadyStarted) { try await server.start() }
        await server.stop()
        try await server.start()
        await server.stop()
    }

    @Test("A peer that never reads is closed with 1013, and others are unharmed")
    func slowReader() async throws {
        var limits = ConnectionLimits.wide
        limits.maximumPendingBytes = 256 * 1024
        limits.closeTimeout = 200
        try await withServer(limits: limits) { server in
            let slow = try await RawPeer.connect(port: server.port, isReading: false, receiveBuffer: 8_192)
            slow.post(Array(RawPeer.request().utf8))
            let session = try await server.sessions.next()
            _ = try await session.events.next()
            let canary = try await RawPeer.connect(port: server.port)
            _ = try await canary.upgrade()

            let frame = SharedFrame(.binary, [UInt8](repeating: 1, count: 50_000))
            var pending = 0
            for _ in 0..<10_000 {
                guard
                    let now = try? await session.onLoop({ connection in
                        connection.send(frame)
                        return connection.pendingBytes
                    })
                else { break }
                pending = max(pending, now)
            }
            #expect(try await session.outcome().code == .tryAgainLater)
            #expect(pending <= limits.maximumPendingBytes + 2 * 50_100)
            try await canary.send(WireFrame.text("unharmed").masked)
            #expect(try await canary.message() == .text("unharmed"))
        }
    }

    // MARK: - Stopping

    @Test("stop() tells everybody 1001, cuts off who does not answer, drops visitors, and frees the port")
    func stop() async throws {
        let sessions = Mailbox<SessionLog>()
        var limits = ConnectionLimits.wide
        limits.closeTimeout = 600_000
        let route = WebSocketRoute(limits: limits) { request in
            let log = SessionLog()
            sessions.put(log)
            return LoggingSession(log, loop: request.loop)
        }
        var configuration = WebSocketServerConfiguration { _ in route }
        configuration.carrier = try TestCarrier.make()
        configuration.port = 0
        let server = WebSocketServer(configuration: configuration)
        let address = try await server.start()

        let polite = SessionLog()
        try await client(.off).connect(to: "ws://127.0.0.1:\(address.port)/") {
            LoggingSession(polite, subprotocol: $0)
        }
        let mute = try await RawPeer.connect(port: address.port)
        _ = try await mute.upgrade()
        let visitor = try await RawPeer.connect(port: address.port)
        try await visitor.send("GET / HT")
        let logs = [try await sessions.next(), try await sessions.next()]
        #expect(await server.connectionCount() == 2)

        try await within(.seconds(20), "stop") { await server.stop(reason: "bye", within: .seconds(2)) }
        #expect(try await polite.outcome() == CloseOutcome(code: .goingAway, reason: "bye", wasClean: true))
        #expect(try await mute.frame() == .close(1001, "bye"))
        #expect(try await mute.rest() == [])
        #expect(try await visitor.rest() == [])
        for log in logs { #expect(try await log.outcome().code == .goingAway) }
        #expect(await server.connectionCount() == 0)

        configuration.port = address.port
        configuration.carrier = try TestCarrier.make()
        let successor = WebSocketServer(configuration: configuration)
        #expect(try await successor.start().port == address.port)
        await successor.stop(within: .zero)
        await successor.stop()
    }

    @Test("stop() in a task that was cancelled ends all the same")
    func stopCancelled() async throws {
        var limits = ConnectionLimits.wide
        limits.closeTimeout = 600_000
        let route = WebSocketRoute(limits: limits) { _ in WebSocketSession() }
        var configuration = WebSocketServerConfiguration { _ in route }
        configuration.carrier = try TestCarrier.make()
        configuration.port = 0
        let server = WebSocketServer(configuration: configuration)
        let address = try await server.start()
        let mute = try await RawPeer.connect(port: address.port)
        _ = try await mute.upgrade()
        let stopping = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            await server.stop(within: .milliseconds(200))
        }
        try await within(.seconds(20), "stop") { await stopping.value }
        #expect(try await mute.frame() == .close(1001, "server is shutting down"))
        #expect(try await mute.rest() == [])
    }
}

extension WebSocketServerConfiguration {
    fileprivate var onFreePort: WebSocketServerConfiguration {
        var copy = self
        copy.port = 0
        return copy
    }
}
