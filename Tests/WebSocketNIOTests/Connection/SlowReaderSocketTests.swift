import NIOConcurrencyHelpers
import Testing
import WebSocketCore
import WebSocketNIO

@Suite("Readers that do not keep up, on real sockets", .timeLimit(.minutes(5)))
struct SlowReaderSocketTests {
    @Test("One that resumes gets whole frames without a gap and then 1013; its server has let go of the rest")
    func resumes() async throws {
        let reports = Mailbox<SlowReader>()
        var limits = ConnectionLimits.wide
        limits.maximumPendingBytes = 300_000
        limits.closeTimeout = 60_000
        try await withServer(limits: limits, configure: { $0.onSlowReader = { reports.put($0) } }) { server in
            let slow = try await RawPeer.connect(port: server.port, isReading: false, receiveBuffer: 8_192)
            slow.post(Array(RawPeer.request().utf8))
            let session = try await server.sessions.next()
            _ = try await session.events.next()

            let payload = [UInt8](repeating: 1, count: 7_000)
            var sent: UInt32 = 0
            while reports.count == 0 {
                let number = sent
                let bytes = withUnsafeBytes(of: number.bigEndian) { Array($0) } + payload
                // Some by reference, some of its own.
                try await session.onLoop { connection in
                    if number % 3 == 0 {
                        connection.send(.binary, bytes.span.bytes)
                    } else {
                        connection.send(SharedFrame(.binary, bytes))
                    }
                }
                sent += 1
                try #require(sent < 10_000)
            }
            let report = try await reports.next()
            #expect(report.reason == .hardLimit)
            #expect((300_000...330_000).contains(report.pendingBytes))
            #expect(report.peer.hasPrefix("127.0.0.1:"))
            #expect(try await session.onLoop { $0.pendingBytes } < 140_000)

            try await slow.setReading(true)
            _ = try await slow.head()
            var next: UInt32 = 0
            while true {
                let frame = try await slow.frame()
                guard frame.opcode == 2 else {
                    #expect(frame == .close(1013, "reader too slow"))
                    break
                }
                #expect(frame.payload.prefix(4).reduce(0) { $0 << 8 | UInt32($1) } == next)
                #expect(frame.payload.count == 7_004)
                next += 1
            }
            #expect(next > 0 && next < sent)
            try await slow.send(WireFrame.close(1013).masked)
            #expect(try await session.outcome().wasClean)
        }
    }

    @Test("One that reads slowly but keeps up gets everything")
    func keepsUp() async throws {
        try await withServer { server in
            let slow = try await RawPeer.connect(port: server.port, isReading: false, receiveBuffer: 8_192)
            slow.post(Array(RawPeer.request().utf8))
            let session = try await server.sessions.next()
            _ = try await session.events.next()
            let frame = SharedFrame(.binary, [UInt8](repeating: 1, count: 50_000))
            for _ in 0..<200 { try await session.onLoop { $0.send(frame) } }
            #expect(try await session.onLoop { $0.pendingBytes } > 0)
            try await slow.setReading(true)
            _ = try await slow.head()
            for _ in 0..<200 { #expect(try await slow.frame().payload.count == 50_000) }
            #expect(try await session.onLoop { $0.pendingBytes } == 0)
        }
    }
}
