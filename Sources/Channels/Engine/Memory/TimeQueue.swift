import Synchronization
import WebSocketCore

/// Channels by a time of each, the earliest first.
///
/// A channel knows its place, so that it is moved and taken out again at the cost of putting it in; a publication to a
/// channel that is in anyway touches nothing here. Any thread, also with a channel's lock held: this one is the inner.
final class TimeQueue: Sendable {
    /// Which of a channel's places a queue uses.
    enum Kind: Sendable {
        /// By the time of the oldest kept publication.
        case aging
        /// By the time when the oldest kept publication will be dropped.
        case expiring
        /// Those without anybody and anything, by the time of their last use.
        case idle
    }

    struct Item: Sendable {
        var time: MonotonicInstant
        let log: ChannelLog
    }

    private let kind: Kind
    /// A heap: each item's time is not later than those of the two items at twice its place.
    private let heap = Lock<[Item]>([])
    private let number = Atomic(0)

    init(_ kind: Kind) { self.kind = kind }

    /// May be behind what other threads are doing.
    var count: Int { number.load(ordering: .relaxed) }

    /// Puts a channel in, or moves it.
    func set(_ log: ChannelLog, to time: MonotonicInstant) {
        heap.withLock { heap in
            var place = log.places[kind]
            if heap.indices.contains(place) {
                heap[place].time = time
            } else {
                place = heap.count
                heap.append(Item(time: time, log: log))
                number.store(heap.count, ordering: .relaxed)
            }
            sift(&heap, from: place)
        }
    }

    /// Takes a channel out; nothing happens when it is not in.
    func remove(_ log: ChannelLog) {
        heap.withLock { heap in
            let place = log.places[kind]
            if heap.indices.contains(place) { remove(at: place, from: &heap) }
        }
    }

    /// Takes out the earliest channel; `nil` when there is none, or it is later than `limit`.
    func pop(until limit: MonotonicInstant = MonotonicInstant(milliseconds: .max)) -> Item? {
        heap.withLock { heap in
            guard let first = heap.first, first.time <= limit else { return nil }
            remove(at: 0, from: &heap)
            return first
        }
    }

    private func remove(at place: Int, from heap: inout [Item]) {
        heap[place].log.places[kind] = ChannelLog.Places.none
        let last = heap.removeLast()
        if place < heap.count {
            heap[place] = last
            sift(&heap, from: place)
        }
        if heap.capacity > 1_024, heap.count < heap.capacity / 8 {
            var smaller: [Item] = []
            smaller.reserveCapacity(heap.count * 2)
            smaller.append(contentsOf: heap)
            heap = smaller
        }
        number.store(heap.count, ordering: .relaxed)
    }

    /// Moves the item at `place` to where its time belongs.
    private func sift(_ heap: inout [Item], from place: Int) {
        let item = heap[place]
        var place = place
        while place > 0, item.time < heap[(place - 1) / 2].time {
            put(heap[(place - 1) / 2], at: place, in: &heap)
            place = (place - 1) / 2
        }
        while true {
            var child = 2 * place + 1
            if child + 1 < heap.count, heap[child + 1].time < heap[child].time { child += 1 }
            guard child < heap.count, heap[child].time < item.time else { break }
            put(heap[child], at: place, in: &heap)
            place = child
        }
        put(item, at: place, in: &heap)
    }

    private func put(_ item: Item, at place: Int, in heap: inout [Item]) {
        heap[place] = item
        item.log.places[kind] = place
    }
}
