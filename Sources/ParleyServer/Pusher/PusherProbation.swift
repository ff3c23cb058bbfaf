import PusherProtocol
import WebSocketCore

/// The connections of one loop that have to sign in, or to subscribe to a signed channel, before a time.
///
/// Touched on that loop's thread only, but for ``loop``.
final class PusherProbation {
    let loop: any WebSocketLoop
    private var connections: [PusherConversation] = []

    init(_ loop: any WebSocketLoop) { self.loop = loop }

    /// Watches one; it is let go when it has proved itself, or is closed.
    func watch(_ connection: PusherConversation) { connections.append(connection) }

    func tick(now: MonotonicInstant) {
        connections.removeAll { connection in
            connection.tick(now: now)
            return connection.deadline == nil
        }
    }
}

@available(*, unavailable)
extension PusherProbation: Sendable {}
