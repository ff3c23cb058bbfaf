import Synchronization

/// The bytes that may wait for slow readers in the whole node, over all loops and carriers.
///
/// Each loop joins as a member and tells how much waits on it and how long its longest queue is. Above the limit the
/// member with the longest queue of all is asked to shed, until no more than 95 % of the limit waits: so the largest
/// queues go first, whatever loop they are on. A loop on which nothing waits never comes here. Any thread.
public final class OutputBudget: Sendable {
    /// What a member is asked to shed.
    public struct Request: Hashable, Sendable {
        /// Bytes that have to go.
        public let bytes: Int
        /// Only queues of at least this length are shed: another member has one of it.
        public let floor: Int
    }

    private struct Book {
        var pending = 0
        var largest = 0
        /// Was asked in vain: is not asked again before it tells something new.
        var isBarren = false
        let shed: @Sendable (Request) -> Void
    }

    private struct State {
        var books: [Int: Book] = [:]
        var nextNumber = 0
        var pending = 0
        var isShedding = false
        /// Who waits until no more than so many bytes wait.
        var waiting: [(bytes: Int, call: @Sendable () -> Void)] = []
        /// The member that was asked and has not answered: one at a time, so that nobody sheds for what another does.
        var asked: Int?
    }

    /// How much of the budget is used.
    public enum Pressure: UInt8, Comparable, Sendable {
        /// Half of it at most.
        case none
        /// More than half of it: readers of large messages get no extra time.
        case tight
        /// More than five eighths: replays and long lists wait, so a long queue has to move.
        case scarce

        /// Less of it is used.
        public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    private typealias Call = (shed: @Sendable (Request) -> Void, request: Request)

    /// Bytes that may wait.
    public let limit: Int
    private let state = Lock(State())
    private let current = Atomic(Pressure.none.rawValue)

    /// How much of the budget is used now.
    public var pressure: Pressure { Pressure(rawValue: current.load(ordering: .relaxed)) ?? .none }

    /// What replays and long lists may fill; the rest is for what is live.
    public var replayLimit: Int { limit - limit / 4 }

    /// A budget of so many bytes.
    public init(bytes: Int) { limit = bytes }

    /// Bytes that wait now, as far as the members have told.
    public var pendingBytes: Int { state.withLock { $0.pending } }

    /// Calls once as soon as no more than so many bytes wait: at once if that is so, otherwise on the thread of the loop
    /// that tells it. The call must not block.
    public func whenPending(atMost bytes: Int, _ call: @escaping @Sendable () -> Void) {
        let isNow = state.withLock { state in
            if state.pending <= bytes { return true }
            state.waiting.append((bytes, call))
            return false
        }
        if isNow { call() }
    }

    /// Takes a loop in; it leaves when its last reference to the member goes.
    ///
    /// - Parameter shed: asks the loop to shed queues, the largest first; it is called on any thread, must not block,
    ///   and must end in ``Member/answer(pending:largest:)``, called on the loop.
    public func join(_ shed: @escaping @Sendable (Request) -> Void) -> Member {
        let number = state.withLock { state in
            state.nextNumber += 1
            state.books[state.nextNumber] = Book(shed: shed)
            return state.nextNumber
        }
        return Member(budget: self, number: number)
    }

    fileprivate func enter(_ number: Int, pending: Int, largest: Int, isAnswer: Bool) {
        let (call, relieved) = state.withLock { state -> (Call?, [@Sendable () -> Void]) in
            guard var book = state.books[number] else { return (nil, []) }
            book.isBarren = isAnswer && pending >= book.pending && largest >= book.largest
            state.pending += pending - book.pending
            book.pending = pending
            book.largest = largest
            state.books[number] = book
            if isAnswer, state.asked == number { state.asked = nil }
            notePressure(state.pending)
            return (next(&state), Self.relieved(&state))
        }
        if let call { call.shed(call.request) }
        for call in relieved { call() }
    }

    fileprivate func leave(_ number: Int) {
        let (call, relieved) = state.withLock { state -> (Call?, [@Sendable () -> Void]) in
            guard let book = state.books.removeValue(forKey: number) else { return (nil, []) }
            state.pending -= book.pending
            notePressure(state.pending)
            if state.asked == number { state.asked = nil }
            return (next(&state), Self.relieved(&state))
        }
        if let call { call.shed(call.request) }
        for call in relieved { call() }
    }

    private func notePressure(_ pending: Int) {
        // A large replay waits before three quarters are used.
        let scarce = replayLimit - limit / 8
        let pressure: Pressure = pending > scarce ? .scarce : pending > limit / 2 ? .tight : .none
        current.store(pressure.rawValue, ordering: .relaxed)
    }

    /// Ends the waiting of those for whom enough has left.
    private static func relieved(_ state: inout State) -> [@Sendable () -> Void] {
        guard !state.waiting.isEmpty else { return [] }
        let pending = state.pending
        let calls = state.waiting.filter { $0.bytes >= pending }.map(\.call)
        if !calls.isEmpty { state.waiting.removeAll { $0.bytes >= pending } }
        return calls
    }

    /// Whom to ask now, if anybody.
    private func next(_ state: inout State) -> Call? {
        let goal = limit - limit / 20
        if state.pending > limit { state.isShedding = true }
        if state.pending <= goal { state.isShedding = false }
        guard state.isShedding, state.asked == nil else { return nil }
        var longest: (number: Int, book: Book)?
        var floor = 0
        for (number, book) in state.books where !book.isBarren && book.largest > 0 {
            if let current = longest, current.book.largest >= book.largest {
                floor = max(floor, book.largest)
            } else {
                floor = max(floor, longest?.book.largest ?? 0)
                longest = (number, book)
            }
        }
        guard let longest else { return nil }
        state.asked = longest.number
        return (longest.book.shed, Request(bytes: state.pending - goal, floor: floor))
    }

    /// A loop's place in the budget. Used on that loop's thread.
    public final class Member: Sendable {
        private let budget: OutputBudget
        private let number: Int

        fileprivate init(budget: OutputBudget, number: Int) {
            self.budget = budget
            self.number = number
        }

        deinit { budget.leave(number) }

        /// See ``OutputBudget/limit``.
        public var limit: Int { budget.limit }

        /// See ``OutputBudget/pressure``.
        public var pressure: Pressure { budget.pressure }

        /// Tells how much waits on the loop now.
        ///
        /// - Parameters:
        ///   - pending: bytes of all its queues.
        ///   - largest: bytes of the longest queue that could be shed, or more; 0 when there is none.
        public func publish(pending: Int, largest: Int) {
            budget.enter(number, pending: pending, largest: largest, isAnswer: false)
        }

        /// The same at the end of a request to shed, whatever came of it.
        public func answer(pending: Int, largest: Int) {
            budget.enter(number, pending: pending, largest: largest, isAnswer: true)
        }
    }
}
