import NIOCore
import WebSocketCore

/// Carries the events of a connection from its loop to a task, and back: the bridge under ``AsyncWebSocket``.
///
/// The connection is read only while somebody waits for a message. Confined to its loop's thread.
final class AsyncSession: WebSocketSession {
    private let loop: any WebSocketLoop
    private let subprotocol: String?
    private var whenOpen: ((AsyncWebSocket) -> Void)?
    private var connection: WebSocketConnection?
    private var outcome: CloseOutcome?
    /// Messages that nobody waited for: at most one, and at the end of the connection what had arrived by then.
    private var waiting = CircularBuffer<WebSocketMessage>()
    private var receivers: [(call: AsyncCall, done: CheckedContinuation<WebSocketMessage?, Never>)] = []
    private var senders: [(call: AsyncCall, done: CheckedContinuation<Void, any Error>)] = []
    private var closers: [CheckedContinuation<CloseOutcome, Never>] = []

    /// - Parameter whenOpen: gets the connection for the task; called on the loop.
    init(loop: any WebSocketLoop, subprotocol: String?, whenOpen: @escaping (AsyncWebSocket) -> Void) {
        self.loop = loop
        self.subprotocol = subprotocol
        self.whenOpen = whenOpen
    }

    override func opened(_ connection: WebSocketConnection) {
        self.connection = connection
        connection.setReading(false)
        let tell = whenOpen
        whenOpen = nil  // it may hold what it is given, and that holds this session
        tell?(
            AsyncWebSocket(subprotocol: subprotocol, loop: loop, session: LoopBound(self)))
    }

    override func received(_ kind: MessageKind, _ payload: RawSpan) {
        let message = payload.withUnsafeBytes { bytes in
            kind == .text ? WebSocketMessage.text(String(decoding: bytes, as: UTF8.self)) : .binary([UInt8](bytes))
        }
        if receivers.isEmpty {
            waiting.append(message)
        } else {
            receivers.removeFirst().done.resume(returning: message)
        }
        if receivers.isEmpty { connection?.setReading(false) }
    }

    override func becameWritable() {
        let caughtUp = senders
        senders = []
        for sender in caughtUp { sender.done.resume() }
    }

    override func closed(_ outcome: CloseOutcome) {
        self.outcome = outcome
        connection = nil
        for receiver in receivers { receiver.done.resume(returning: nil) }
        receivers = []
        let unsent = senders
        senders = []
        for sender in unsent { sender.done.resume(throwing: WebSocketError.connectionClosed) }
        for closer in closers { closer.resume(returning: outcome) }
        closers = []
    }

    /// Gives the next message, when it is there; `nil` after the end.
    func receive(_ call: AsyncCall, _ done: CheckedContinuation<WebSocketMessage?, Never>) {
        if call.isCancelled { return done.resume(returning: nil) }
        if let message = waiting.popFirst() { return done.resume(returning: message) }
        guard let connection else { return done.resume(returning: nil) }
        receivers.append((call, done))
        connection.setReading(true)
    }

    /// The task of a waiting receiver was cancelled.
    func cancelReceive(_ call: AsyncCall) {
        guard let index = receivers.firstIndex(where: { $0.call === call }) else { return }
        receivers.remove(at: index).done.resume(returning: nil)
        if receivers.isEmpty { connection?.setReading(false) }
    }

    /// Queues a message; `done` is resumed at once, or when the peer has caught up.
    func send(_ message: WebSocketMessage, _ call: AsyncCall, _ done: CheckedContinuation<Void, any Error>) {
        if call.isCancelled { return done.resume(throwing: CancellationError()) }
        guard let connection else { return done.resume(throwing: WebSocketError.connectionClosed) }
        switch message {
        case .text(let text): connection.send(text)
        case .binary(let bytes): connection.send(.binary, bytes.span.bytes)
        }
        if connection.isWritable {
            done.resume()
        } else {
            senders.append((call, done))
        }
    }

    /// The task of a waiting sender was cancelled; its message stays queued.
    func cancelSend(_ call: AsyncCall) {
        guard let index = senders.firstIndex(where: { $0.call === call }) else { return }
        senders.remove(at: index).done.resume(throwing: CancellationError())
    }

    func close(_ code: CloseCode, _ reason: String) { connection?.close(code, reason: reason) }

    func awaitClose(_ done: CheckedContinuation<CloseOutcome, Never>) {
        if let outcome {
            done.resume(returning: outcome)
        } else {
            closers.append(done)
        }
    }
}
