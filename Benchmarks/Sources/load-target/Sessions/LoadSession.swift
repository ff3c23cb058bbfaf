import Synchronization
import WebSocketCore

/// What all sessions do: they are counted.
///
/// Nothing is stored here, since each field costs every idle connection its bytes.
class LoadSession: WebSocketSession {
    override func opened(_ connection: WebSocketConnection) { Counters.connections.add(1, ordering: .relaxed) }

    override func closed(_ outcome: CloseOutcome) { Counters.connections.subtract(1, ordering: .relaxed) }
}
