import NIOCore
import NIOEmbedded
import Testing
import WebSocketCore

@testable import WebSocketNIO

@Suite(
    "Frames that come with the opening request, or before the server has seen the end of it", .timeLimit(.minutes(5)))
struct EarlyFrameTests {
    static let frames: [WireFrame] = [
        .text("one"), .ping("p"), .binary([UInt8](repeating: 7, count: 200)), .text("three"),
    ]
    static let answers: [WireFrame] = [
        .text("one"), .pong("p"), .binary([UInt8](repeating: 7, count: 200)), .text("three"),
    ]

    @Test("Nothing is lost, doubled or put out of order, wherever the bytes are cut", arguments: [true, false])
    func everyCut(_ tickEndsBetween: Bool) throws {
        let bytes = Array(RawPeer.request().utf8) + Self.frames.flatMap(\.masked)
        for cut in 0...bytes.count {
            let door = try EmbeddedDoor()
            if cut > 0 { try door.receive(Array(bytes[..<cut]), endsTick: tickEndsBetween) }
            if cut < bytes.count { try door.receive(Array(bytes[cut...])) }
            door.eventLoop.run()
            #expect(door.statuses == [101], "cut at \(cut)")
            #expect(door.frames == Self.answers, "cut at \(cut)")
            #expect(door.session?.messages.count == 3, "cut at \(cut)")
        }
    }

    @Test("The same byte by byte", arguments: [true, false])
    func byteByByte(_ tickEndsBetween: Bool) throws {
        let door = try EmbeddedDoor()
        for byte in Array(RawPeer.request().utf8) + Self.frames.flatMap(\.masked) {
            try door.receive([byte], endsTick: tickEndsBetween)
        }
        door.eventLoop.run()
        #expect(door.frames == Self.answers)
    }

    @Test("A frame whose end is still missing waits for it")
    func partial() throws {
        let door = try EmbeddedDoor()
        let frame = WireFrame.text("late").masked
        try door.receive(Array(RawPeer.request().utf8) + frame.dropLast(3))
        #expect(door.session?.messages == [])
        try door.receive(Array(frame.suffix(3)))
        #expect(door.session?.messages == [.text("late")])
    }

    @Test("A request for the page, then an upgrade, then frames, all in one segment")
    func afterAPage() throws {
        let door = try EmbeddedDoor()
        try door.receive(Array((FrontDoorTests.get + RawPeer.request()).utf8) + Self.frames.flatMap(\.masked))
        #expect(door.statuses == [200, 101])
        #expect(door.session?.messages.count == 3)
    }

    @Test("A frame that breaks the protocol closes with 1002 here too (RFC 6455 §5.1)")
    func unmasked() throws {
        let door = try EmbeddedDoor()
        try door.receive(Array(RawPeer.request().utf8) + WireFrame.text("bare").bare)
        #expect(door.frames.map(\.opcode) == [8])
        #expect(door.frames.first?.payload.prefix(2) == [0x03, 0xEA])
        #expect(door.session?.messages == [])
    }

    @Test("A client that ends its side with the request is answered and let go at once")
    func endOfInput() throws {
        let door = try EmbeddedDoor()
        try door.receive(Array(RawPeer.request().utf8) + WireFrame.text("bye").masked, endsTick: false)
        door.endInput()
        #expect(door.frames == [.text("bye")])
        #expect(!door.channel.isActive || door.wire.outputEnds == 1)
        #expect(door.session?.messages == [.text("bye")])
        door.advance(2000)
        #expect(!door.channel.isActive)
        #expect(door.session?.outcomes.map(\.code) == [.abnormalClosure])
        #expect(door.loop.connections.isEmpty)
    }

    @Test("A connection that is reset during the upgrade makes no session")
    func resetDuringUpgrade() throws {
        let door = try EmbeddedDoor()
        try door.receive(Array(RawPeer.request().utf8), endsTick: false)
        door.channel.close(promise: nil)
        door.eventLoop.run()
        #expect(door.session == nil)
        #expect(door.loop.connections.isEmpty)
        #expect(door.loop.visitors.isEmpty)
    }

    @Test("Over a real socket, with the end of the input in the same breath")
    func realSocket() async throws {
        try await withServer { server in
            let peer = try await RawPeer.connect(port: server.port)
            try await peer.send(Array(RawPeer.request().utf8) + Self.frames.flatMap(\.masked))
            #expect(try await peer.head().hasPrefix("HTTP/1.1 101 "))
            for answer in Self.answers { #expect(try await peer.frame() == answer) }

            let hasty = try await RawPeer.connect(port: server.port)
            hasty.post(Array(RawPeer.request().utf8) + WireFrame.text("bye").masked)
            try await hasty.endOutput()
            #expect(try await hasty.head().hasPrefix("HTTP/1.1 101 "))
            #expect(try await hasty.frame() == .text("bye"))
            #expect(try await hasty.rest() == [])
            _ = try await server.sessions.next()
            let log = try await server.sessions.next()
            #expect(try await log.outcome().code == .abnormalClosure)
        }
    }
}
