/// Whether a client is signed in, whom it watches, and what it was told of them.
struct ClientSignIn {
    let watched: [[UInt8]]
    /// Requests with a good signature that were not answered yet.
    var unanswered = 0
    /// The server has said so.
    var isDone = false
    /// Who of those it watches is online, by the client's books.
    private(set) var online: Set<[UInt8]> = []

    init(watching watched: [[UInt8]]) { self.watched = watched }

    /// The connection is over.
    mutating func reset() {
        unanswered = 0
        isDone = false
        online = []
    }

    /// The server has answered; who is online follows.
    mutating func done() {
        unanswered -= 1
        isDone = true
        online = []
    }

    /// Somebody came online, or went; `false` when that is no news, or about somebody who is not watched.
    mutating func changed(_ user: [UInt8], isOnline: Bool) -> Bool {
        guard watched.contains(user) else { return false }
        return isOnline ? online.insert(user).inserted : online.remove(user) != nil
    }
}
