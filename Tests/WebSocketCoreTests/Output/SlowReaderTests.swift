import Testing
import WebSocketCore

@Suite("The report on a slow reader", .timeLimit(.minutes(5)))
struct SlowReaderTests {
    @Test("The close frame invites the reader to come back (RFC 6455 §7.4, code 1013)")
    func closeFrame() {
        var limits = ConnectionLimits()
        #expect(SlowReader.closeFrame(limits).payload == [0x03, 0xF5] + Array("reader too slow".utf8))
        limits.slowReaderCode = CloseCode(rawValue: 4100)
        #expect(SlowReader.closeFrame(limits) == CloseFrame(code: CloseCode(rawValue: 4100), reason: "reader too slow"))
    }

    @Test("Each reason has words of its own")
    func reasons() {
        let reasons: [SlowReader.Reason] = [.hardLimit, .softLimit, .stalled, .nodeBudget]
        #expect(Set(reasons.map(\.description)).count == 4)
        #expect(reasons.allSatisfy { !$0.description.isEmpty })
    }
}
