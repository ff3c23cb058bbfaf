import WebSocketCore

/// The node's memory for request bodies that are not answered yet, over all loops. Any thread.
///
/// An owner (an app) gets at most as much as stays free: alone it can fill half, and the next one always finds room.
final class RequestBodyBudget: Sendable {
    private struct State {
        var taken = 0
        /// Bytes of each owner that holds any.
        var owners: [String: Int] = [:]
    }

    /// Bytes that all bodies together may take.
    let limit: Int
    private let state = Lock(State())

    init(bytes: Int) { limit = bytes }

    /// Bytes that are taken now.
    var taken: Int { state.withLock { $0.taken } }

    /// Takes bytes for an owner before any memory is.
    func take(_ bytes: Int, for owner: String) throws(BodyShortage) {
        guard bytes > 0 else { return }
        try state.withLock { state throws(BodyShortage) in
            let owned = state.owners[owner, default: 0]
            let free = limit - state.taken
            guard bytes <= free else { throw .budget }
            guard bytes <= (free - owned) / 2 else { throw .share }
            state.taken += bytes
            state.owners[owner] = owned + bytes
        }
    }

    /// Returns what an owner took.
    func giveBack(_ bytes: Int, of owner: String) {
        guard bytes > 0 else { return }
        state.withLock { state in
            let owned = state.owners[owner, default: 0]
            assert(bytes <= owned && owned <= state.taken)
            state.taken -= bytes
            state.owners[owner] = owned > bytes ? owned - bytes : nil
        }
    }
}
