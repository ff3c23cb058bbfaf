import NIOCore
import NIOEmbedded
import NIOPosix
import Testing
import WebSocketCore

@testable import WebSocketNIO

@Suite("The asynchronous face", .timeLimit(.minutes(5)))
struct AsyncWebSocketTests {
    /// A server whose connections are each given to `handle`.
    private func withAsyncServer(
        limits: ConnectionLimits = .wide, handle: @escaping @Sendable (AsyncWebSocket) async -> Void,
        _ body: (_ url: String, _ port: Int) async throws -> Void
    ) async throws {
        let route = WebSocketRoute(limits: limits, handle: handle)
        try await withServer(configure: { $0.route = { _ in route } }) { server in
            try await body(server.url, server.port)
        }
    }

    private let client = WebSocketClient(configuration: .wide)

    @Test("Both faces of it: every kind and size of message comes back in order")
    func echo() async throws {
        try await withAsyncServer(handle: { socket in
            for await message in socket.messages { try? await socket.send(message) }
        }) { url, _ in
            let socket = try await client.connect(to: url)
            let messages = WebSocketServerTests.messages
            async let sending: Void = {
                for message in messages { try await socket.send(message) }
            }()
            var received: [WebSocketMessage] = []
            for await message in socket.messages {
                received.append(message)
                if received.count == messages.count { break }
            }
            try await sending
            #expect(received == messages)
            #expect(
                await socket.close(.normal, reason: "x") == CloseOutcome(code: .normal, reason: "x", wasClean: true))
            #expect(await socket.receive() == nil)
            await #expect(throws: WebSocketError.connectionClosed) { try await socket.send("late") }
        }
    }

    @Test("When the handler returns, the peer is told 1000")
    func handlerReturns() async throws {
        try await withAsyncServer(handle: { socket in try? await socket.send("bye") }) { url, _ in
            let socket = try await client.connect(to: url)
            #expect(await socket.receive() == .text("bye"))
            #expect(await socket.receive() == nil)
            #expect(await socket.outcome == CloseOutcome(code: .normal, reason: "", wasClean: true))
        }
    }

    @Test("The messages that stand before a close frame are all delivered, and answered, before the end")
    func messagesBeforeClose() async throws {
        try await withAsyncServer(handle: { socket in
            for await message in socket.messages { try? await socket.send(message) }
        }) { _, port in
            let peer = try await RawPeer.connect(port: port)
            _ = try await peer.upgrade()
            try await peer.send((0..<20).flatMap { WireFrame.text("\($0)").masked } + WireFrame.close(1000).masked)
            for index in 0..<20 { #expect(try await peer.frame() == .text("\(index)")) }
            #expect(try await peer.frame() == .close(1000))
            #expect(try await peer.rest() == [])
        }
    }

    @Test("What had arrived when the peer went is still there for the consumer, in order")
    func messagesBeforeEnd() async throws {
        let proceed = Mailbox<Void>()
        let received = Mailbox<WebSocketMessage?>()
        try await withAsyncServer(handle: { socket in
            _ = try? await proceed.next()
            _ = await socket.outcome
            for await message in socket.messages { received.put(message) }
            received.put(nil)
        }) { _, port in
            let peer = try await RawPeer.connect(port: port)
            _ = try await peer.upgrade()
            try await peer.send((0..<20).flatMap { WireFrame.text("\($0)").masked })
            try await peer.endOutput()
            proceed.put(())
            for index in 0..<20 { #expect(try await received.next() == .text("\(index)")) }
            #expect(try await received.next() == nil)
        }
    }

    @Test("A consumer that does not read stops its peer, holds little, and goes on where it stopped")
    func backpressure() async throws {
        let proceed = Mailbox<Void>()
        let done = Mailbox<Bool>()
        let count = 400
        let size = 64 * 1024
        try await withAsyncServer(handle: { socket in
            _ = try? await proceed.next()
            var next = 0
            for await message in socket.messages {
                guard case .binary(let bytes) = message, bytes.count == size, bytes[0] == UInt8(next & 0xFF) else {
                    break
                }
                next += 1
                if next == count { break }
            }
            done.put(next == count)
        }) { url, _ in
            let socket = try await client.connect(to: url)
            let sent = Mailbox<Int>()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for index in 0..<count {
                        try await socket.send([UInt8](repeating: UInt8(index & 0xFF), count: size))
                        sent.put(index)
                    }
                }
                // It stops: what two kernels and two processes hold is far less than all of it.
                var last = -1
                while last != sent.count {
                    last = sent.count
                    try await MultiThreadedEventLoopGroup.singleton.any().scheduleTask(in: .milliseconds(300)) {}
                        .futureResult.get()
                }
                #expect(last < count)
                proceed.put(())
                try await group.waitForAll()
            }
            #expect(try await done.next() == true)
        }
    }

    @Test("send() waits above the high mark, resumes when the peer reads, and can be cancelled meanwhile")
    func sendWaits() async throws {
        try await withServer(echoes: false) { server in
            // A peer that does not read, from here.
            let raw = try await RawServer()
            let connecting = Task { [client] in try await client.connect(to: "ws://127.0.0.1:\(raw.port)/") }
            let peer = try await raw.peers.next()
            try await peer.send(RawHandshake.answer(to: try await peer.head()))
            let socket = try await connecting.value
            try await peer.setReading(false)
            let payload = [UInt8](repeating: 4, count: 256 * 1024)
            let sent = Mailbox<Int>()
            let flood = Task {
                for index in 0..<1_000 {
                    try await socket.send(payload)
                    sent.put(index)
                }
            }
            // Until it waits: the kernel's buffers take some.
            var count = 0
            while true {
                let before = count
                try await MultiThreadedEventLoopGroup.singleton.any().scheduleTask(in: .milliseconds(300)) {}
                    .futureResult.get()
                while sent.count > 0 {
                    _ = try await sent.next()
                    count += 1
                }
                if count == before { break }
            }
            #expect(count < 1_000)  // it may still be short of the high mark, on a machine that is busy
            flood.cancel()
            await #expect(throws: CancellationError.self) {
                try await within(patience, "the cancelled send") { try await flood.value }
            }
            let second = Task { try await socket.send("behind all that") }
            try await peer.setReading(true)
            try await within(patience, "the waiting send") { try await second.value }
            // A message whose call was cancelled while it waited had been queued: it arrives whole.
            count += sent.count
            var arrived = 0
            while true {
                let frame = try await peer.frame()
                guard frame.opcode == 2 else {
                    #expect(frame.payload == Array("behind all that".utf8))
                    break
                }
                #expect(frame.payload.count == payload.count)
                arrived += 1
            }
            #expect(arrived == count || arrived == count + 1)
            await raw.stop()
        }
    }

    @Test("A task that is cancelled before it calls neither waits nor sends")
    func cancelledBefore() async throws {
        try await withServer { server in
            let socket = try await client.connect(to: server.url)
            let received = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return await socket.receive()
            }
            #expect(try await within(patience, "receive()") { await received.value } == nil)
            let sending = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                try await socket.send("never")
            }
            await #expect(throws: CancellationError.self) {
                try await within(patience, "send()") { try await sending.value }
            }
            try await socket.send("after")
            #expect(await socket.receive() == .text("after"))
        }
    }

    @Test("A task that is cancelled while it waits for a message gets nil, and loses none")
    func cancelledReceive() async throws {
        try await withServer { server in
            let socket = try await client.connect(to: server.url)
            let waiting = Task { await socket.receive() }
            let session = try await server.sessions.next()
            _ = try await session.events.next()
            waiting.cancel()
            #expect(try await within(patience, "receive()") { await waiting.value } == nil)
            _ = try await session.onLoop { $0.send("kept") }
            #expect(await socket.receive() == .text("kept"))
        }
    }

    @Test("Nothing is reported as sent once the connection is closing")
    func sendWhileClosing() async throws {
        var limits = ConnectionLimits.wide
        limits.closeTimeout = 500
        var configuration = WebSocketClientConfiguration()
        configuration.limits = limits
        let raw = try await RawServer()
        let connecting = Task { [client = WebSocketClient(configuration: configuration)] in
            try await client.connect(to: "ws://127.0.0.1:\(raw.port)/")
        }
        let peer = try await raw.peers.next()
        try await peer.send(RawHandshake.answer(to: try await peer.head()))
        let socket = try await connecting.value
        let closing = Task { await socket.close(.normal) }
        #expect(try await peer.frame().opcode == 8)
        await #expect(throws: WebSocketError.connectionClosed) {
            try await within(patience, "send()") { try await socket.send("too late") }
        }
        #expect(await closing.value == CloseOutcome(code: .normal, reason: "", wasClean: false))
        await raw.stop()
    }

    @Test("Every waiter is told when the connection is gone")
    func waitersAtTheEnd() async throws {
        try await withServer { server in
            let socket = try await client.connect(to: server.url)
            let receivers = (0..<3).map { _ in Task { await socket.receive() } }
            let outcomes = (0..<3).map { _ in Task { await socket.outcome } }
            let session = try await server.sessions.next()
            _ = try await session.events.next()
            _ = try await session.onLoop { $0.close(.serviceRestart) }
            for receiver in receivers { #expect(try await within { await receiver.value } == nil) }
            for outcome in outcomes { #expect(try await within { await outcome.value }.code == .serviceRestart) }
        }
    }

    @Test("A connection that nobody holds any more is closed with 1001")
    func dropped() async throws {
        try await withServer { server in
            var socket: AsyncWebSocket? = try await client.connect(to: server.url)
            try await socket?.send("a")
            #expect(await socket?.receive() == .text("a"))
            socket = nil
            #expect(try await server.sessions.next().outcome().code == .goingAway)
        }
    }

    @Test("Nothing is kept of a connection that has ended")
    func freed() throws {
        weak var session: AsyncSession?
        weak var socket: AsyncWebSocket?
        let eventLoop = EmbeddedEventLoop()
        do {
            let channel = EmbeddedChannel(loop: eventLoop)
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
            let opened = eventLoop.makePromise(of: AsyncWebSocket.self)
            let made = AsyncSession(loop: NIOWebSocketLoop(eventLoop), subprotocol: nil) { opened.succeed($0) }
            session = made
            try channel.pipeline.syncOperations.addHandler(
                FrameHandler(role: .client, loop: .embedded(eventLoop), limits: .wide, codecs: nil, session: made))
            socket = try opened.futureResult.wait()
            #expect(socket != nil)
            channel.close(promise: nil)
            eventLoop.run()
            eventLoop.advanceTime(by: .seconds(1))
        }
        #expect(socket == nil)
        eventLoop.run()
        #expect(session == nil)
    }
}
