import Reactor
import Testing
import WebSocketCore

@Suite("What a loop collects, given back and full", .timeLimit(.minutes(5)))
struct FullArenaTests {
    /// Touched on the loop's thread only.
    private final class Handles: @unchecked Sendable {
        var list: [WebSocketConnection] = []
    }

    /// Keeps the loop busy while `body` runs, so that everything that it sends comes in one tick.
    private func whileBusy(_ loop: any WebSocketLoop, _ body: () -> Void) {
        let isBusy = Journal<Bool>()
        let mayGoOn = Journal<Bool>()
        loop.execute {
            isBusy.add(true)
            _ = mayGoOn.wait(for: 1)
        }
        #expect(isBusy.wait(for: 1))
        body()
        mayGoOn.add(true)
    }

    @Test("A long answer behind what others are queued as well leaves that as it is")
    func commonBytes() async throws {
        try await withReactor { reactor in
            let handles = Handles()
            let common = [SharedFrame(.binary, [1, 1, 1, 1]), SharedFrame(.binary, [2, 2, 2, 2])]
            let answer = [UInt8](repeating: 3, count: 9_000)
            let asking = reactor.connection(
                whenOpened: { handles.list.append($0) },
                whenReceived: { session, _, _ in
                    for frame in common { for handle in handles.list { handle.send(frame) } }
                    session.connection?.send(.binary, answer.span.bytes)
                })
            let other = reactor.connection(whenOpened: { handles.list.append($0) })
            let echo = reactor.echo()
            for connection in [asking, other, echo] { #expect(connection.journal.wait(for: 1)) }
            // First who is answered, then whose bytes lie where the answer was.
            whileBusy(try #require(asking.loop.entries.first)) {
                asking.peer.send(Peer.text("ask"))
                echo.peer.send(Peer.text("here is something to lie in its place"))
            }
            for connection in [asking, other] {
                #expect(connection.peer.receive(12) == [0x82, 4, 1, 1, 1, 1, 0x82, 4, 2, 2, 2, 2])
            }
            #expect(asking.peer.frame()?.payload == answer)
            #expect(echo.peer.frame()?.payload == Array("here is something to lie in its place".utf8))
        }
    }

    /// Marks what it compresses.
    private final class Marker: MessageCompressor, MessageDecompressor {
        static let mark: UInt8 = 0xC0

        func compress(_ payload: UnsafeRawBufferPointer, into output: inout [UInt8]) -> Bool {
            output = [Self.mark] + payload
            return true
        }

        func decompress(
            _ piece: UnsafeRawBufferPointer, isFinal: Bool, maximumBytes: Int, into output: inout [UInt8]
        ) throws(ProtocolViolation) {
            output += piece
        }
    }

    @Test("A frame that has to wait for room is compressed once")
    func compressedOnce() async throws {
        var limits = ConnectionLimits.calm
        limits.maximumPendingBytes = 64 << 20
        limits.softPendingBytes = 64 << 20
        try await withReactor { [limits] reactor in
            let (descriptor, peer) = Peer.pair()
            let handles = Handles()
            let (journal, loops) = (Journal<Event>(), Journal<any WebSocketLoop>())
            reactor.adopt(
                HandedOverConnection(descriptor: descriptor, received: [], limits: limits) { loop in
                    loops.add(loop)
                    let marker = Marker()
                    let codecs = MessageCodecs(compressor: marker, decompressor: marker, compressesAlike: true)
                    return (TestSession(journal, whenOpened: { handles.list.append($0) }), codecs)
                })
            #expect(journal.wait(for: 1))
            try #require(loops.entries.first).execute {
                for number in 0..<60 {
                    let frame = SharedFrame(.binary, [UInt8](repeating: UInt8(number), count: 100_000))
                    for handle in handles.list { handle.send(frame) }
                }
            }
            for number in 0..<60 {
                let payload = try #require(peer.frame()?.payload)
                #expect(payload.count == 100_001)
                #expect(payload.prefix(2) == [Marker.mark, UInt8(number)])
            }
        }
    }

    @Test("Nothing follows the close frame of a reader that is cut off while the loop makes room")
    func nothingBehindClose() async throws {
        var limits = ConnectionLimits.calm
        limits.maximumPendingBytes = 1 << 20
        try await withReactor { [limits] reactor in
            let connection = reactor.connection(
                limits: limits, sendBuffer: 10_000,
                whenReceived: { session, _, _ in
                    let message = [UInt8](repeating: 7, count: 100_000)
                    for _ in 0..<60 { session.connection?.send(.binary, message.span.bytes) }
                })
            connection.peer.send(Peer.text("go"))
            #expect(connection.journal.wait(for: 2))
            var opcodes: [UInt8] = []
            connection.peer.endOutput()
            while let frame = connection.peer.frame() { opcodes.append(frame.opcode) }
            #expect(opcodes.last == 8)
            #expect(opcodes.count { $0 == 8 } == 1)
        }
    }
}
