/// A request that an ``HTTPService`` answers, and how far it has come.
struct HTTPExchange {
    /// Whether the client is asked to keep the connection.
    var keepsAlive: Bool
    /// Whether the request speaks HTTP/1.0, which knows no chunks.
    let isOld: Bool
    /// What has arrived of the request's body; `nil` when it has none.
    var body: RequestBody?
    /// The request has arrived in full.
    var requestIsComplete = false
    /// The head of the answer was written.
    var answerHasBegun = false
    /// All of the answer has left.
    var answerIsComplete = false
    /// Parts of the answer that wait to be taken.
    var waitingParts = 0
}
