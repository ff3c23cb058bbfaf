/// Who is present: a user, however many connections carry it. Compared as bytes.
public struct Identity: Hashable, Sendable {
    /// The user's name within its application, as text: what members are told apart by.
    public let id: [UInt8]
    /// What a wire protocol wants to tell of the user, opaque here; the one of the user's first connection counts.
    public let details: [UInt8]

    /// Composes an identity.
    public init(id: [UInt8], details: [UInt8] = []) {
        self.id = id
        self.details = details
    }

    /// Whether two stand for the same user: their details may differ.
    public static func == (left: Identity, right: Identity) -> Bool { left.id == right.id }

    /// Hashes what ``==(_:_:)`` compares.
    public func hash(into hasher: inout Hasher) { hasher.combine(id) }
}
