import Testing
import WebSocketCore

@testable import WebSocketNIO

@Suite("Where a request's body ends (RFC 9112 §6)", .timeLimit(.minutes(5)))
struct RequestFramingTests {
    private func problem(
        _ fields: [(name: String, value: String)], minor: Int = 1, target: String = "/", host: String? = "a"
    ) -> String? {
        let hosts = host.map { [(name: "Host", value: $0)] } ?? []
        return RequestFraming.problem(
            of: OpeningRequest(
                method: "GET", target: target, httpVersion: (major: 1, minor: minor),
                fields: HeaderFields(hosts + fields)))
    }

    @Test("An ordinary request is in order")
    func ordinary() {
        #expect(problem([]) == nil)
        #expect(problem([(name: "Content-Length", value: "0")]) == nil)
        #expect(problem([(name: "content-length", value: "123456789012345678")]) == nil)
        #expect(problem([(name: "Transfer-Encoding", value: "Chunked")]) == nil)
        #expect(problem([], minor: 0, host: nil) == nil)
    }

    @Test("Transfer-Encoding beside Content-Length is refused (RFC 9112 §6.1)")
    func both() {
        #expect(problem([(name: "Transfer-Encoding", value: "chunked"), (name: "Content-Length", value: "5")]) != nil)
    }

    @Test(
        "Any coding but chunked alone is refused",
        arguments: ["xchunked", "chunked, identity", "\u{B}chunked", "gzip, chunked", "", "chunked,", "chun\u{212A}ed"])
    func codings(_ value: String) {
        #expect(problem([(name: "Transfer-Encoding", value: value)]) != nil)
    }

    @Test("Two Transfer-Encoding lines are refused, and one in HTTP/1.0")
    func codingLines() {
        let line = (name: "Transfer-Encoding", value: "chunked")
        #expect(problem([line, line]) != nil)
        #expect(problem([line], minor: 0) != nil)
    }

    @Test(
        "A Content-Length that is no plain number is refused",
        arguments: ["+5", "5,5", "5, 6", "", "-1", "18446744073709551616", "0x10", "5 5", "\u{0665}"])
    func lengths(_ value: String) {
        #expect(problem([(name: "Content-Length", value: value)]) != nil)
    }

    @Test("Two Content-Length lines are refused, also with the same number")
    func lengthLines() {
        let line = (name: "Content-Length", value: "5")
        #expect(problem([line, line]) != nil)
    }

    @Test("No Host, an empty one and two of them are refused (RFC 9112 §3.2)")
    func hosts() {
        #expect(problem([], host: nil) != nil)
        #expect(problem([], host: "") != nil)
        #expect(problem([(name: "Host", value: "a")]) != nil)
        #expect(problem([], minor: 0, host: "") != nil)
    }

    @Test(
        "A target with a space, a control character or a byte past ASCII is refused",
        arguments: ["/ ", "/\u{7F}", "/\r", "/é"])
    func targets(_ target: String) {
        #expect(problem([], target: target) != nil)
    }
}
