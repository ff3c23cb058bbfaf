/// What an engine tells about the cluster, each once and on one node: the one where it happened. What webhooks are made
/// of.
///
/// Called on any thread; it must not block, and not call the engine before it returns.
public protocol EngineObserver: AnyObject, Sendable {
    /// Something has happened in a channel.
    func observed(_ event: DomainEvent, in channel: ChannelAddress)
}
