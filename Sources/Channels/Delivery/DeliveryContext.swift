/// What is being delivered to an audience at the moment, for those who have to tell the old from the new.
struct DeliveryContext: Sendable {
    /// What a loss takes away.
    enum Loss: Hashable {
        /// The publications from this offset on, up to the context's position.
        case from(UInt64)
        /// The whole log: another one goes on after the context's position.
        case everything
    }

    /// Where the publication stands, or where a loss ends; `nil` for anything else.
    var position: Position?
    /// The version that a change of presence makes; `nil` for anything else.
    var version: UInt64?
    /// What is lost; `nil` for anything else.
    var loss: Loss?
}
