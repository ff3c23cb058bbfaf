/// Somebody whom a subscription of this node makes present in a channel.
struct Presence: Sendable {
    let seat: Seat
    let identity: Identity
    let connection: ConnectionID
    /// The engine has been asked and has not answered: whoever leaves meanwhile is taken back with the answer.
    var isEntering = true
    /// The engine has forgotten it and has to be asked again.
    var mustReenter = false
    /// The subscriber has left.
    var hasLeft = false
}
