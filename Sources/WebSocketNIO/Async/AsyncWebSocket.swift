public import WebSocketCore

/// One open connection on the asynchronous face: messages in their order with backpressure, `send` that waits.
///
/// May be used from any task. Each call hops to the connection's loop; where that costs too much, use a
/// ``WebSocketSession`` instead. When the last reference goes, the connection is closed with 1001.
public final class AsyncWebSocket: Sendable {
    /// The subprotocol that was agreed on, if any (RFC 6455 §1.9).
    public let subprotocol: String?

    private let loop: any WebSocketLoop
    private let session: LoopBound<AsyncSession>

    init(subprotocol: String?, loop: any WebSocketLoop, session: LoopBound<AsyncSession>) {
        self.subprotocol = subprotocol
        self.loop = loop
        self.session = session
    }

    deinit {
        loop.execute { [session] in session.value.close(.goingAway, "") }
    }

    /// What the peer sends.
    public var messages: WebSocketMessages { WebSocketMessages(socket: self) }

    /// Waits for the next message; `nil` after the end of the connection, or when the task is cancelled.
    public func receive() async -> WebSocketMessage? {
        let call = AsyncCall()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { done in
                loop.execute { [session] in session.value.receive(call, done) }
            }
        } onCancel: {
            call.cancel()
            loop.execute { [session] in session.value.cancelReceive(call) }
        }
    }

    /// Sends a message and waits while more than the high mark (64 KiB) is unwritten.
    ///
    /// - Throws: ``WebSocketError/connectionClosed``; `CancellationError` when the task is cancelled while it waits.
    public func send(_ message: WebSocketMessage) async throws {
        let call = AsyncCall()
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { done in
                loop.execute { [session] in session.value.send(message, call, done) }
            }
        } onCancel: {
            call.cancel()
            loop.execute { [session] in session.value.cancelSend(call) }
        }
    }

    /// Sends a text message; see ``send(_:)-(WebSocketMessage)``.
    public func send(_ text: String) async throws { try await send(.text(text)) }

    /// Sends a binary message; see ``send(_:)-(WebSocketMessage)``.
    public func send(_ bytes: [UInt8]) async throws { try await send(.binary(bytes)) }

    /// Closes the connection and waits for its end (RFC 6455 §7.1.2), at most as long as the close timeout.
    @discardableResult
    public func close(_ code: CloseCode = .normal, reason: String = "") async -> CloseOutcome {
        loop.execute { [session] in session.value.close(code, reason) }
        return await outcome
    }

    /// Waits for the end of the connection and says how it came.
    public var outcome: CloseOutcome {
        get async {
            await withCheckedContinuation { done in
                loop.execute { [session] in session.value.awaitClose(done) }
            }
        }
    }
}
