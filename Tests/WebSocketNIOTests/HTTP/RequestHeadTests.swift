import Testing

@testable import WebSocketNIO

@Suite("The end of a request's head", .timeLimit(.minutes(5)))
struct RequestHeadTests {
    static let heads = [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /a?b=c HTTP/1.1\nHost: a\n\n",
        "get / HTTP/1.0\r\nA: b\r\nC: d\r\n\r\n",
    ]

    /// What comes of `bytes` when they arrive in these pieces: the first answer that is not `incomplete`.
    private func feed(_ bytes: [UInt8], upTo ends: [Int], _ limits: HTTPLimits = HTTPLimits()) -> RequestHead.Progress {
        var head = RequestHead(limits)
        for end in ends {
            let progress = bytes[..<end].withUnsafeBytes { head.advance($0) }
            if progress != .incomplete { return progress }
        }
        return .incomplete
    }

    private func everyWay(_ bytes: [UInt8], _ limits: HTTPLimits = HTTPLimits()) -> Set<String> {
        var ways: Set<String> = ["\(feed(bytes, upTo: [bytes.count], limits))"]
        ways.insert("\(feed(bytes, upTo: Array(0...bytes.count), limits))")
        for cut in 1..<bytes.count { ways.insert("\(feed(bytes, upTo: [cut, bytes.count], limits))") }
        return ways
    }

    @Test("A head ends at its empty line, however it is cut (RFC 9112 §2.1)", arguments: heads)
    func complete(_ text: String) {
        let bytes = Array(text.utf8)
        #expect(everyWay(bytes) == ["complete(\(bytes.count))"])
        #expect(everyWay(bytes + Array("GET / HTTP/1.1\r\n\r\n".utf8)) == ["complete(\(bytes.count))"])
        #expect(feed(bytes, upTo: Array(0..<bytes.count)) == .incomplete)
    }

    @Test(
        "What does not start with a letter or has no version is refused with 400, however it is cut",
        arguments: ["\u{16}\u{3}\u{1}", "GET /\r\n\r\n", "GET / HTTP/1\r\n\r\n", " HTTP/1.1\r\n", "SSH-2.0-x\r\n"])
    func badRequestLine(_ text: String) {
        let ways = everyWay(Array(text.utf8))
        #expect(ways.count == 1)
        #expect(ways.first?.hasPrefix("refused(400,") == true)
    }

    @Test("A request line past the target's limit is refused with 414 before its end has come")
    func longTarget() {
        var limits = HTTPLimits()
        limits.maximumTargetBytes = 100
        let bytes = Array("GET /".utf8) + [UInt8](repeating: 0x61, count: 200)
        guard case .refused(414, _) = feed(bytes, upTo: Array(0...bytes.count), limits) else {
            Issue.record("not refused")
            return
        }
        let short = Array("GET /".utf8) + [UInt8](repeating: 0x61, count: 99) + Array(" HTTP/1.1\r\n\r\n".utf8)
        #expect(feed(short, upTo: [short.count], limits) == .complete(short.count))
    }

    @Test("A head of the greatest length passes, one byte more is refused with 431")
    func longHead() {
        func head(_ count: Int) -> [UInt8] {
            let start = Array("GET / HTTP/1.1\r\nA: ".utf8)
            return start + [UInt8](repeating: 0x61, count: count - start.count - 4) + [13, 10, 13, 10]
        }
        let limits = HTTPLimits()
        let longest = head(limits.maximumHeadBytes)
        #expect(feed(longest, upTo: [longest.count]) == .complete(longest.count))
        #expect(feed(longest, upTo: Array(0...longest.count)) == .complete(longest.count))
        let longer = head(limits.maximumHeadBytes + 1)
        guard case .refused(431, _) = feed(longer, upTo: Array(0...longer.count)),
            case .refused(431, _) = feed(longer, upTo: [longer.count])
        else {
            Issue.record("not refused")
            return
        }
    }

    @Test("A hundred fields pass, one more is refused with 431")
    func fields() {
        func head(_ count: Int) -> [UInt8] {
            Array(("GET / HTTP/1.1\r\n" + String(repeating: "a:b\r\n", count: count) + "\r\n").utf8)
        }
        #expect(feed(head(100), upTo: [head(100).count]) == .complete(head(100).count))
        guard case .refused(431, _) = feed(head(101), upTo: [head(101).count]) else {
            Issue.record("not refused")
            return
        }
    }
}
