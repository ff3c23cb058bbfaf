import Synchronization

/// What all connections of a server share before their 101. Any thread.
final class DoorState: Sendable {
    /// The memory for request bodies.
    let bodies: RequestBodyBudget
    private let draining = Atomic(false)

    init(_ configuration: WebSocketServerConfiguration) {
        bodies = RequestBodyBudget(bytes: configuration.bodyBudget)
    }

    /// Whether the server is about to stop: upgrades are refused with 503, requests are answered as the last of their
    /// connection.
    var isDraining: Bool { draining.load(ordering: .relaxed) }

    /// Refuses upgrades from now on.
    func beginDraining() { draining.store(true, ordering: .relaxed) }
}
