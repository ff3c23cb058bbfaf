import WebSocketCore

/// Which requests are answered next, of those that came together with others on their connections (RFC 9112 §9.3.2).
///
/// Without turns the loop would answer a thousand requests of one packet before it reads from any other connection. Between
/// two polls it takes 64; then connections take turns, one request each. The first request after a pause never waits.
/// Confined to its loop's thread.
final class RequestTurns {
    /// Pipelined requests that a loop takes between two polls.
    private static let atOnce = 64

    private let afterPoll: AfterPoll
    private var line = WaitingLine<FrontDoorHandler>()
    private var taken = 0
    private var goesOn = false

    init(_ afterPoll: AfterPoll) { self.afterPoll = afterPoll }

    /// Whether the loop answers the connection's next request now; if not, it calls ``FrontDoorHandler/turnCame()`` later.
    func takesNext(_ door: FrontDoorHandler) -> Bool {
        askForTurn()
        guard line.isEmpty, taken < Self.atOnce else {
            line.append(door)
            return false
        }
        taken += 1
        return true
    }

    private func askForTurn() {
        guard !goesOn else { return }
        goesOn = true
        afterPoll.execute { [self] in turn() }
    }

    private func turn() {
        taken = 0
        while taken < Self.atOnce, let door = line.popFirst() {
            taken += 1
            door.turnCame()
        }
        goesOn = false
        if !line.isEmpty { askForTurn() }
    }
}

@available(*, unavailable)
extension RequestTurns: Sendable {}
