/// What an engine tells a node about one channel that the node has opened; the inverse of ``Engine``.
///
/// Called on any thread, never for two things of one channel at the same time. It must not block, and not call the
/// engine before it returns.
public protocol ChannelSink: AnyObject, Sendable {
    /// Something was published. At least once each; an engine across a network may repeat, reorder and lose them, see
    /// ``Engine/isLossless``.
    func received(_ publication: Publication, at position: Position)

    /// Something was relayed: no position, not kept, at most once.
    func relayed(_ publication: Publication)

    /// A user came or went. In the order of versions, unless the engine may lose things.
    func presenceChanged(_ change: PresenceChange)

    /// The number of subscriptions in the cluster has changed; only the newest counts, and that one is told by every
    /// engine in the end.
    func subscriptionsChanged(to count: Int)

    /// Something may have been lost: the node reads on from what it has, enters again whom it makes present, and says
    /// again how many subscriptions it has. Comes before anything that follows the loss.
    func interrupted()
}
