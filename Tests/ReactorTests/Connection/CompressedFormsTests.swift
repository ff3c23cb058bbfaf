import Testing
import WebSocketCore

@testable import Reactor

@Suite("What a loop compresses", .timeLimit(.minutes(5)))
struct CompressedFormsTests {
    /// Marks what it compresses, and counts.
    private final class Marker: MessageCompressor, MessageDecompressor {
        let mark: UInt8
        var count = 0

        init(_ mark: UInt8) { self.mark = mark }

        func compress(_ payload: UnsafeRawBufferPointer, into output: inout [UInt8]) -> Bool {
            count += 1
            output = [mark] + payload
            return true
        }

        func decompress(
            _ piece: UnsafeRawBufferPointer, isFinal: Bool, maximumBytes: Int, into output: inout [UInt8]
        ) throws(ProtocolViolation) {
            output += piece
        }
    }

    private func connection(_ loop: SteppedLoop, _ marker: Marker, alike: Bool) -> SteppedConnection {
        let codecs = MessageCodecs(compressor: marker, decompressor: marker, compressesAlike: alike)
        return loop.connection(sendBuffer: 1 << 20, codecs: codecs)
    }

    @Test(
        "A frame to many is compressed once for each window, and everybody gets the form of its own (RFC 7692 §7.1.2.1)"
    )
    func windows() throws {
        try withSteppedLoop { loop in
            let markers = [Marker(1), Marker(2), Marker(3)]
            let connections = (0..<9).map { connection(loop, markers[$0 % 3], alike: true) }
            let plain = loop.connection()
            for round in 1...3 {
                let frame = SharedFrame(.binary, [UInt8](repeating: 9, count: 100))
                for connection in connections + [plain] { connection.connection?.send(frame) }
                loop.run()
                for (number, connection) in connections.enumerated() {
                    let frames = connection.frames()
                    #expect(frames.map(\.payload.first) == [UInt8(number % 3 + 1)])
                    #expect(frames.map(\.isCompressed) == [true])
                }
                #expect(plain.frames().map(\.isCompressed) == [false])
                #expect(markers.map(\.count) == [round, round, round])
            }
        }
    }

    @Test("Of what has a window of its own a loop compresses 256 KiB in an iteration, and again in the next one")
    func share() throws {
        try withSteppedLoop { loop in
            let marker = Marker(1)
            let connections = (0..<3).map { _ in connection(loop, marker, alike: false) }
            for _ in 0..<3 {
                let message = [UInt8](repeating: 9, count: 125_000)
                for connection in connections { connection.connection?.send(.binary, message.span.bytes) }
                var frames: [[ServerFrame]] = [[], [], []]
                for _ in 0..<20 {
                    loop.run()
                    for (number, connection) in connections.enumerated() { frames[number] += connection.frames() }
                }
                #expect(frames.map { $0.map(\.isCompressed) } == [[true], [true], [false]])
            }
        }
    }
}
