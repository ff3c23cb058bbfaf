/// The name of one node's life in the cluster: 64 random bits, new with each start.
public struct NodeID: Hashable, Sendable {
    /// The bits.
    public let rawValue: UInt64

    /// The name with these bits.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// A new name from a generator of the caller's choice.
    public init(using generator: inout some RandomNumberGenerator) { rawValue = generator.next() }

    /// A new name from the system's random numbers.
    public init() {
        var generator = SystemRandomNumberGenerator()
        self.init(using: &generator)
    }
}
