import NIOCore
import NIOEmbedded
import NIOPosix
import Testing

@testable import WebSocketNIO

@Suite("The socket under a channel", .timeLimit(.minutes(5)))
struct PlainSocketTests {
    /// Writes past SwiftNIO until the kernel takes no more, and counts what it took.
    private final class Filler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let taken: EventLoopPromise<[Int]>

        init(_ taken: EventLoopPromise<[Int]>) { self.taken = taken }

        func handlerAdded(context: ChannelHandlerContext) {
            guard let socket = PlainSocket(context) else { return taken.fail(ChannelError.operationUnsupported) }
            var counts: [Int] = []
            while counts.last != 0, counts.count < 100_000 {
                let bytes = [UInt8](repeating: UInt8(counts.count & 0xFF), count: 10_000)
                counts.append(bytes.withUnsafeBytes { socket.send($0) })
            }
            taken.succeed(counts)
        }
    }

    @Test("The kernel takes what it has room for, then nothing; the peer gets just that")
    func fills() async throws {
        let server = try await RawServer()
        let reader = try await RawPeer.connect(port: server.port, isReading: false, receiveBuffer: 8_192)
        let channel = try await server.peers.next().channel
        let taken = channel.eventLoop.makePromise(of: [Int].self)
        try await channel.eventLoop.submit { try channel.pipeline.syncOperations.addHandler(Filler(taken)) }.get()
        let counts = try await taken.futureResult.get()
        #expect(counts.first == 10_000)
        #expect(counts.last == 0)
        #expect(counts.allSatisfy { 0...10_000 ~= $0 })
        channel.close(promise: nil)
        try await reader.setReading(true)
        let bytes = try await reader.rest()
        #expect(bytes.count == counts.reduce(0, +))
        var position = 0
        for (index, count) in counts.enumerated() {
            #expect(bytes[position..<position + count].allSatisfy { $0 == UInt8(index & 0xFF) })
            position += count
        }
        await server.stop()
    }

    @Test("A channel without a socket has none")
    func embedded() throws {
        let channel = EmbeddedChannel()
        let taken = channel.eventLoop.makePromise(of: [Int].self)
        try channel.pipeline.syncOperations.addHandler(Filler(taken))
        #expect(throws: ChannelError.operationUnsupported) { try taken.futureResult.wait() }
    }
}
