import NIOCore
import Testing
import WebSocketCore
import WebSocketNIO

@testable import LoadGenerator

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

@Suite("Why a connection failed", .timeLimit(.minutes(5)))
struct ConnectionFailureTests {
    @Test(
        "An error of the system has cause and cure",
        arguments: [
            (ECONNREFUSED, "start the server"), (EMFILE, "ulimit -n"), (EADDRNOTAVAIL, "local port"),
            (ECONNRESET, "reset"), (EHOSTUNREACH, "check the address"), (ETIMEDOUT, "does not answer"),
        ])
    func system(number: CInt, words: String) {
        let text = ConnectionFailure.words(IOError(errnoCode: number, reason: "connect"), server: "host:1")
        #expect(text.contains(words))
    }

    @Test(
        "A refused handshake has its status and a cure",
        arguments: [
            (401, "credentials"), (404, "path"), (301, "elsewhere"), (503, "limit"), (500, "log"),
        ])
    func status(status: Int, words: String) {
        let text = ConnectionFailure.words(HandshakeFailure.unexpectedStatus(status), server: "host:1")
        #expect(text.contains("host:1 refused the handshake with status \(status)"))
        #expect(text.contains(words))
    }

    @Test("Other errors are told as they are")
    func others() {
        #expect(
            ConnectionFailure.words(WebSocketError.connectTimeout, server: "host:1")
                == "host:1: \(WebSocketError.connectTimeout).")
        #expect(ConnectionFailure.words(HandshakeFailure.acceptMismatch, server: "h").contains("WebSocket server?"))
    }

    @Test("The end of a connection has its code and reason, without what disturbs a terminal (RFC 6455 §7.4)")
    func outcome() {
        let outcome = CloseOutcome(code: .messageTooBig, reason: "too\u{1B}[2J\nbig", wasClean: true)
        let words = ConnectionFailure.words(outcome, of: "connection 7")
        #expect(words.hasPrefix("connection 7 was closed with 1009 (too?[2J?big): "))
        #expect(words.contains("--size"))
        let lost = ConnectionFailure.words(
            CloseOutcome(code: .abnormalClosure, reason: "", wasClean: false), of: "connection 8")
        #expect(lost.hasPrefix("connection 8 was closed with 1006: "))
    }
}
