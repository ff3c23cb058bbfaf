import Synchronization

/// What all connections of a server share before their 101. Any thread.
final class DoorState: Sendable {
    /// Counts the connections.
    let doorkeeper: Doorkeeper
    /// The memory for request bodies.
    let bodies: RequestBodyBudget
    private let draining = Atomic(false)

    private let forwardingWasReported = Atomic(false)

    /// - Parameter descriptors: the connections that the process may open; `nil` when that is not known.
    init(_ configuration: WebSocketServerConfiguration, descriptors: Int? = nil) {
        doorkeeper = Doorkeeper(configuration.accept, proxies: configuration.proxies, descriptors: descriptors)
        bodies = RequestBodyBudget(bytes: configuration.bodyBudget)
    }

    /// Whether the server is about to stop: upgrades are refused with 503, requests are answered as the last of their
    /// connection.
    var isDraining: Bool { draining.load(ordering: .relaxed) }

    /// Whether nothing was reported of a forwarding header that is ignored.
    var mayReportForwarding: Bool { !forwardingWasReported.load(ordering: .relaxed) }

    /// Notes that a forwarding header is reported; `false` when one was before.
    func reportsForwarding() -> Bool { !forwardingWasReported.exchange(true, ordering: .relaxed) }

    /// Refuses upgrades from now on.
    func beginDraining() { draining.store(true, ordering: .relaxed) }
}
