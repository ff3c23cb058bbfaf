import Testing
import WebSocketCore

@Suite("RFC 6455 §7.1, §6: what an application and a carrier subclass", .timeLimit(.minutes(5)))
struct WebSocketSessionTests {
    private final class Recorder: WebSocketConnection {
        var sent: [(MessageKind, [UInt8])] = []
        var closes: [(CloseCode, String)] = []

        override func send(_ kind: MessageKind, _ payload: RawSpan) {
            sent.append((kind, payload.withUnsafeBytes { Array($0) }))
        }

        override func close(_ code: CloseCode, reason: String) { closes.append((code, reason)) }
    }

    private final class Echo: WebSocketSession {
        var connection: WebSocketConnection?

        override func opened(_ connection: WebSocketConnection) { self.connection = connection }

        override func received(_ kind: MessageKind, _ payload: RawSpan) { connection?.send(kind, payload) }
    }

    @Test("A session that overrides what it needs gets the message and sends on its connection (RFC 6455 §6)")
    func echo() {
        let connection = Recorder()
        let session: WebSocketSession = Echo()
        session.opened(connection)
        session.received(.binary, [1, 2, 3].span.bytes)
        #expect(connection.sent.count == 1 && connection.sent.first?.0 == .binary)
        #expect(connection.sent.first?.1 == [1, 2, 3].flatMap { [UInt8($0), 0, 0, 0, 0, 0, 0, 0] })
    }

    @Test("A string is sent as text in UTF-8, and a close without words has an empty reason (RFC 6455 §5.6, §7.1.2)")
    func conveniences() {
        let connection = Recorder()
        connection.send("你好 😀")
        connection.send("")
        connection.close(.normal)
        #expect(connection.sent.map(\.0) == [.text, .text])
        #expect(connection.sent.map(\.1) == [Array("你好 😀".utf8), []])
        #expect(connection.closes.count == 1 && connection.closes.first?.0 == .normal)
        #expect(connection.closes.first?.1 == "")
    }

    @Test("What is not overridden does nothing")
    func defaults() {
        let session = WebSocketSession()
        let connection = WebSocketConnection()
        session.opened(connection)
        session.received(.text, [UInt8(65)].span.bytes)
        session.rateExceeded()
        session.peerIsSilent()
        session.becameWritable()
        session.closed(CloseOutcome(code: .normal, reason: "", wasClean: true))
        connection.send(.text, [UInt8(65)].span.bytes)
        connection.send(SharedFrame(text: "a"))
        connection.close(.normal, reason: "")
        connection.setReading(false)
        connection.forgiveMessage()
        connection.requireMessagesAsLife()
        #expect(connection.pendingBytes == 0 && connection.isWritable)
    }
}
