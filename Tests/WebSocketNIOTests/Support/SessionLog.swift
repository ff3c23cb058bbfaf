import NIOConcurrencyHelpers
import NIOCore
import WebSocketCore
import WebSocketNIO

/// What a session was told, in order, for a test on another thread; and the way to its connection.
final class SessionLog: Sendable {
    enum Event: Equatable, Sendable {
        case opened(subprotocol: String?)
        case message(WebSocketMessage)
        case rateExceeded
        case writable
        case closed(CloseOutcome)
    }

    let events = Mailbox<Event>()
    private let session = NIOLockedValueBox<(loop: any WebSocketLoop, session: LoopBound<LoggingSession>)?>(nil)

    func bind(_ session: LoggingSession, on loop: any WebSocketLoop) {
        let bound = LoopBound(session)
        self.session.withLockedValue { $0 = (loop, bound) }
    }

    /// Runs `body` with the connection on its loop.
    func onLoop<T: Sendable>(_ body: @escaping @Sendable (WebSocketConnection) -> T) async throws -> T {
        guard let bound = session.withLockedValue({ $0 }) else {
            throw TimedOut(what: "a session that was never opened")
        }
        return try await withCheckedThrowingContinuation { done in
            bound.loop.execute {
                if let connection = bound.session.value.connection {
                    done.resume(returning: body(connection))
                } else {
                    done.resume(throwing: ChannelError.alreadyClosed)
                }
            }
        }
    }

    /// The next message; other events on the way are skipped.
    func message() async throws -> WebSocketMessage {
        while true {
            if case .message(let message) = try await events.next("a message") { return message }
        }
    }

    /// How the connection ended; other events on the way are skipped.
    func outcome() async throws -> CloseOutcome {
        while true {
            if case .closed(let outcome) = try await events.next("the end of a connection") { return outcome }
        }
    }
}
