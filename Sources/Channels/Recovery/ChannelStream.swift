/// Puts what an engine tells a node about one channel's log into order: each publication once, by rising offsets.
///
/// An engine in the same process tells everything in order, and then this is one comparison a publication. One across a
/// network may repeat, reorder and lose: what comes too early is held, within a bound, while the log is read for what is
/// missing; what the log has not any more is a loss that the subscribers are told.
struct ChannelStream: Sendable {
    /// How many publications may be held; what is more is read from the log later.
    static var maximumHeld: Int { Bound.stream.limit }

    /// What to do with a publication that has come.
    enum Verdict: Hashable {
        /// It is the next one.
        case deliver
        /// It has been delivered before.
        case drop
        /// It has to wait for others.
        case wait
    }

    /// A step that a look into the log leads to, in the order in which subscribers are told.
    enum Step: Sendable {
        /// A publication is delivered.
        case publication(Publication, at: Position)
        /// Publications are lost; without a gap the log is another. What follows comes after the position.
        case lost(Gap?, Position)
    }

    /// The last position that was delivered; `nil` before ``open(at:)``.
    private(set) var last: Position?
    /// Something is missing, and the log has to be read from ``last`` on.
    private(set) var needsFilling = false
    private var held: [(publication: Publication, position: Position)] = []
    /// Up to here something was missing at the last look into the log, behind everything that was known.
    private var awaited: Position?

    /// The channel is open: everything above `top` will be told.
    ///
    /// - Returns: what was told before and is above it.
    mutating func open(at top: Position) -> [(publication: Publication, position: Position)] {
        guard last == nil else { return [] }
        last = top
        return takeHeld()
    }

    /// A publication has come.
    mutating func receive(_ publication: Publication, at position: Position) -> Verdict {
        guard let last else {
            hold(publication, at: position)
            return .wait
        }
        guard position.epoch == last.epoch else {
            hold(publication, at: position)
            needsFilling = true
            return .wait
        }
        if position.offset <= last.offset { return .drop }
        guard position.offset == last.offset + 1 || PlantedBug.isOn(.ignoreHole) else {
            hold(publication, at: position)
            needsFilling = true
            return .wait
        }
        self.last = position
        return .deliver
    }

    /// What has waited for the publication that was just delivered.
    mutating func next() -> [(publication: Publication, position: Position)] {
        guard !held.isEmpty else { return [] }
        return takeHeld()
    }

    /// Something may have been lost.
    mutating func interrupted() { needsFilling = true }

    /// The log was read from ``last`` on.
    ///
    /// - Parameter limit: how many publications the page could have at most.
    mutating func fill(with page: HistoryPage, limit: Int) -> [Step] {
        guard let current = last else { return [] }
        var steps: [Step] = []
        if page.top.epoch != current.epoch {
            // Of the other log everything is new: it is read from its beginning.
            let beginning = Position(epoch: page.top.epoch, offset: 0)
            steps.append(.lost(nil, beginning))
            last = beginning
            awaited = nil
        } else if page.top.offset >= current.offset {
            catchUp(page, isWhole: page.entries.count < limit, &steps)
        } else {
            // An answer from before what was told already: nothing new.
            return []
        }
        for item in takeHeld() { steps.append(.publication(item.publication, at: item.position)) }
        // What is left of other epochs is old, or will be told of again when the log is read the next time.
        held.removeAll { $0.position.epoch != page.top.epoch }
        needsFilling = !held.isEmpty || awaited == nil && last.map { $0.offset < page.top.offset } ?? false
        return steps
    }

    /// Goes on as far as the page says something, with what was read and what was held.
    private mutating func catchUp(_ page: HistoryPage, isWhole: Bool, _ steps: inout [Step]) {
        let horizon = isWhole ? page.top.offset : page.entries.last?.offset ?? page.top.offset
        var known = page.entries.map { ($0.offset, $0.publication) }
        for item in held where item.position.epoch == page.top.epoch && item.position.offset <= horizon {
            known.append((item.position.offset, item.publication))
        }
        known.sort { $0.0 < $1.0 }
        for (offset, publication) in known {
            guard let current = last, offset > current.offset else { continue }
            if offset > current.offset + 1 { lose(upTo: offset - 1, page, &steps) }
            let position = Position(epoch: page.top.epoch, offset: offset)
            steps.append(.publication(publication, at: position))
            last = position
        }
        missEnd(upTo: horizon, page, &steps)
    }

    /// What is missing at the end may be on its way here, and only be later than the answer, where the log keeps little:
    /// it is lost when it was missing at the look before as well.
    private mutating func missEnd(upTo horizon: UInt64, _ page: HistoryPage, _ steps: inout [Step]) {
        if let awaited, let current = last, awaited.epoch == current.epoch, awaited.offset > current.offset {
            lose(upTo: min(awaited.offset, horizon), page, &steps)
        }
        awaited = last.flatMap { $0.offset < horizon ? Position(epoch: $0.epoch, offset: horizon) : nil }
    }

    private mutating func lose(upTo offset: UInt64, _ page: HistoryPage, _ steps: inout [Step]) {
        guard let current = last else { return }
        let position = Position(epoch: current.epoch, offset: offset)
        // Of the gap itself nothing is kept; what follows it may be held here, whether it is kept or not.
        let oldest = min(page.oldest, offset + 1)
        defer { last = position }
        if PlantedBug.isOn(.hideLoss) { return }
        steps.append(.lost(Gap(from: current.offset + 1, to: offset, oldest: oldest), position))
    }

    private mutating func hold(_ publication: Publication, at position: Position) {
        guard held.count < Self.maximumHeld else {
            needsFilling = true
            return
        }
        held.append((publication, position))
        Bound.stream.count(held.count)
    }

    /// Takes what follows ``last`` without a hole, and drops what is older.
    private mutating func takeHeld() -> [(publication: Publication, position: Position)] {
        guard !held.isEmpty, var current = last else { return [] }
        var ready: [(publication: Publication, position: Position)] = []
        if !PlantedBug.isOn(.releaseUnsorted) { held.sort { $0.position.offset < $1.position.offset } }
        var rest: [(publication: Publication, position: Position)] = []
        for item in held {
            guard item.position.epoch == current.epoch else {
                rest.append(item)
                continue
            }
            if item.position.offset <= current.offset { continue }
            if item.position.offset == current.offset + 1 || PlantedBug.isOn(.releaseUnsorted) {
                current = item.position
                ready.append(item)
            } else {
                rest.append(item)
            }
        }
        held = rest
        last = current
        if held.isEmpty { held = [] }
        return ready
    }
}
