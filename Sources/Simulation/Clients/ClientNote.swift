/// What a message of a client's is about, for whoever watches: from when on which channel's messages may reach it.
enum ClientNote {
    /// A subscribe with a right to the channel, or a forged one; which of the client's subscriptions it begins.
    case subscribes([UInt8], generation: Int, isForged: Bool)
    case unsubscribes([UInt8])
    case other
}
