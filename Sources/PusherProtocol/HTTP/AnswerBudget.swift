import WebSocketCore

/// The node's memory for answers of the HTTP API that have no fixed length, until they have left. Any thread.
///
/// How long such an answer gets is known only when it is made, which is too late for a bound: each kind of answer of an
/// app claims beforehand what the last one took. An app always gets one, of any length; of several it gets at most as
/// many bytes as stay free, so that the next app finds room.
public final class AnswerBudget: Sendable {
    private struct State {
        var taken = 0
        /// Bytes of each app that holds any.
        var owners: [PusherApp.ID: Int] = [:]
        /// What the last answer took, by app and kind.
        var last: [Key: Int] = [:]
    }

    private struct Key: Hashable {
        let app: PusherApp.ID
        let kind: Kind
    }

    /// The answers that grow with what is kept.
    enum Kind: Sendable { case channels, users, history }

    /// Bytes that an answer claims at least.
    static let leastBytes = 65_536

    private let limit: Int
    private let state = Lock(State())

    /// - Parameter bytes: what all answers may take together, but for the first one of each app.
    public init(bytes: Int) { limit = bytes }

    /// Claims memory for an answer that is about to be made; `nil` when the app has too many on the way.
    func claim(_ kind: Kind, of app: PusherApp.ID) -> AnswerLease? {
        let bytes = state.withLock { state -> Int? in
            let bytes = max(Self.leastBytes, state.last[Key(app: app, kind: kind)] ?? 0)
            return take(bytes, of: app, &state) ? bytes : nil
        }
        return bytes.map { AnswerLease(self, app, $0) }
    }

    /// Charges an answer's true length in place of its claim; `false`, and the claim stays, when that exceeds the share.
    fileprivate func settle(_ bytes: Int, _ kind: Kind, of app: PusherApp.ID, claimed: Int) -> Bool {
        state.withLock { state in
            state.last[Key(app: app, kind: kind)] = bytes
            giveBack(claimed, of: app, &state)
            let isTaken = take(bytes, of: app, &state)
            if !isTaken { charge(claimed, of: app, &state) }
            return isTaken
        }
    }

    fileprivate func giveBack(_ bytes: Int, of app: PusherApp.ID) {
        state.withLock { giveBack(bytes, of: app, &$0) }
    }

    private func take(_ bytes: Int, of app: PusherApp.ID, _ state: inout State) -> Bool {
        let owned = state.owners[app, default: 0]
        let (needed, overflow) = bytes.multipliedReportingOverflow(by: 2)
        guard owned == 0 || !overflow && needed <= limit - state.taken - owned else { return false }
        charge(bytes, of: app, &state)
        return true
    }

    private func charge(_ bytes: Int, of app: PusherApp.ID, _ state: inout State) {
        state.taken += bytes
        state.owners[app, default: 0] += bytes
    }

    private func giveBack(_ bytes: Int, of app: PusherApp.ID, _ state: inout State) {
        let owned = state.owners[app, default: 0]
        assert(bytes <= owned && owned <= state.taken)
        state.taken -= bytes
        state.owners[app] = owned > bytes ? owned - bytes : nil
    }

    /// Bytes that are taken now.
    var taken: Int { state.withLock { $0.taken } }
}

/// The memory of one answer; its life is the charge. Any thread.
public final class AnswerLease: Sendable {
    private let budget: AnswerBudget
    private let app: PusherApp.ID
    private let bytes: Lock<Int>

    fileprivate init(_ budget: AnswerBudget, _ app: PusherApp.ID, _ bytes: Int) {
        self.budget = budget
        self.app = app
        self.bytes = Lock(bytes)
    }

    deinit { bytes.withLock { budget.giveBack($0, of: app) } }

    /// Charges the answer's true length; `false` when that exceeds the app's share.
    func settle(_ kind: AnswerBudget.Kind, bytes made: Int) -> Bool {
        bytes.withLock { bytes in
            guard budget.settle(made, kind, of: app, claimed: bytes) else { return false }
            bytes = made
            return true
        }
    }
}
