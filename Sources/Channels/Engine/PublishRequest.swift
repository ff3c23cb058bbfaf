/// What is to be published, all of it or nothing.
public struct PublishRequest: Sendable {
    /// One publication and where it goes.
    public struct Entry: Sendable {
        /// The channel, in the request's namespace.
        public var channel: ChannelName
        /// What is published.
        public var publication: Publication
        /// How much the channel keeps from now on.
        public var retention: Retention

        /// Composes an entry.
        public init(channel: ChannelName, publication: Publication, retention: Retention) {
            self.channel = channel
            self.publication = publication
            self.retention = retention
        }
    }

    /// A name that the publisher gives its request, so that it may repeat it.
    public struct Idempotency: Hashable, Sendable {
        /// The name; 1 to 255 bytes, within the namespace.
        public var key: [UInt8]
        /// Tells requests apart that bear the same name: a digest of what is asked.
        public var fingerprint: [UInt8]

        /// Composes a name.
        public init(key: [UInt8], fingerprint: [UInt8]) {
            self.key = key
            self.fingerprint = fingerprint
        }
    }

    /// The namespace of all its channels.
    public var namespace: [UInt8]
    /// What is published, in this order.
    public var entries: [Entry]
    /// `nil` when nothing is to be taken for a repetition.
    public var idempotency: Idempotency?

    /// Composes a request.
    public init(namespace: [UInt8], entries: [Entry], idempotency: Idempotency? = nil) {
        self.namespace = namespace
        self.entries = entries
        self.idempotency = idempotency
    }
}
