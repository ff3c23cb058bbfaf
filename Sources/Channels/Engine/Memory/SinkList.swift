/// Who is told what happens in one channel, and how many subscriptions each stands for.
struct SinkList: Sendable {
    struct Entry: Sendable {
        let sink: any ChannelSink
        let node: NodeID
        var subscriptions: Int
        var version: UInt64
        /// The node's lease has ended: nothing is told, and the subscriptions do not count, until it is back.
        var isSuspended: Bool
    }

    /// A report of a sink that is not open: it counts as soon as the sink is. One that was closed before its last
    /// report arrived is never opened again, so the sink is not held.
    private struct EarlyReport: Sendable {
        weak var sink: (any ChannelSink)?
        let subscriptions: Int
        let version: UInt64
    }

    /// Sinks open and report nearly at once: more early reports at a time are left over from closed ones.
    private static let maximumEarlyReports = 32

    private(set) var entries: [Entry] = []
    private var early: [EarlyReport] = []
    /// Of all sinks that are not suspended.
    private(set) var subscriptions = 0

    var isEmpty: Bool { entries.isEmpty }

    /// Whether a sink is a node's.
    func involves(_ node: NodeID) -> Bool { entries.contains { $0.node == node } }

    /// Opening again what is open does nothing.
    mutating func open(_ sink: any ChannelSink, of node: NodeID, isSuspended: Bool) {
        guard index(of: sink) == nil else { return }
        let report = early.first { $0.sink === sink }
        dropEarlyReport(of: sink)
        let entry = Entry(
            sink: sink, node: node, subscriptions: report?.subscriptions ?? 0, version: report?.version ?? 0,
            isSuspended: isSuspended)
        entries.append(entry)
        if !isSuspended { subscriptions += entry.subscriptions }
    }

    mutating func close(_ sink: any ChannelSink) {
        dropEarlyReport(of: sink)
        guard let index = index(of: sink) else { return }
        let entry = entries.remove(at: index)
        if !entry.isSuspended { subscriptions -= entry.subscriptions }
    }

    mutating func report(_ count: Int, version: UInt64, of sink: any ChannelSink) {
        // What a node says of itself is its own affair, but the sum must not trap.
        let count = min(max(count, 0), Int(Int32.max))
        guard let index = index(of: sink) else {
            if let report = early.first(where: { $0.sink === sink }), report.version > version { return }
            dropEarlyReport(of: sink)
            if early.count == Self.maximumEarlyReports { early.removeFirst() }
            early.append(EarlyReport(sink: sink, subscriptions: count, version: version))
            return
        }
        guard version >= entries[index].version else { return }
        if !entries[index].isSuspended { subscriptions += count - entries[index].subscriptions }
        entries[index].subscriptions = count
        entries[index].version = version
    }

    /// The node's lease has ended.
    mutating func suspend(_ node: NodeID) {
        for index in entries.indices where entries[index].node == node && !entries[index].isSuspended {
            entries[index].isSuspended = true
            subscriptions -= entries[index].subscriptions
        }
    }

    /// The node is back; its sinks, which have missed something.
    mutating func resume(_ node: NodeID) -> [any ChannelSink] {
        var resumed: [any ChannelSink] = []
        for index in entries.indices where entries[index].node == node && entries[index].isSuspended {
            entries[index].isSuspended = false
            subscriptions += entries[index].subscriptions
            resumed.append(entries[index].sink)
        }
        return resumed
    }

    /// The node is gone for good.
    mutating func removeAll(of node: NodeID) {
        suspend(node)
        entries.removeAll { $0.node == node }
    }

    private func index(of sink: any ChannelSink) -> Int? { entries.firstIndex { $0.sink === sink } }

    private mutating func dropEarlyReport(of sink: any ChannelSink) {
        guard !early.isEmpty else { return }
        early.removeAll { $0.sink == nil || $0.sink === sink }
    }
}
