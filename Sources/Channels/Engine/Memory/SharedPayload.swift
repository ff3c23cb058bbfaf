import Synchronization

/// The bytes of a publication that one request sends to several channels: kept once, and counted once, for as long as
/// any of them keeps it.
final class SharedPayload: Sendable {
    private let bytes: Int
    private let keepers = Atomic(0)

    init(_ publication: Publication) { bytes = publication.heapBytes &+ HeapBytes.block(32) }

    /// One channel more keeps it; the bytes that are to be charged for that.
    func keep() -> Int { keepers.wrappingAdd(1, ordering: .relaxed).oldValue == 0 ? bytes : 0 }

    /// A channel has dropped it; the bytes that have become free.
    func drop() -> Int { keepers.wrappingSubtract(1, ordering: .relaxed).newValue == 0 ? bytes : 0 }
}

/// What the entries of one request share: publications of the same bytes that follow each other, as when one event goes
/// to many channels.
struct SharedPayloads {
    /// By entry; empty when nothing is shared.
    private var payloads: [SharedPayload?] = []
    /// What the allocator gives for everything that is to be kept, without the channels' own records.
    private(set) var bytes = 0

    init(_ entries: [PublishRequest.Entry]) {
        for (index, entry) in entries.enumerated() where entry.retention.keepsSomething {
            bytes += MemoryLayout<KeptLog.Entry>.stride
            if index > 0, entries[index - 1].publication.isSame(as: entry.publication) {
                if payloads.isEmpty { payloads = Array(repeating: nil, count: entries.count) }
                let payload = payloads[index - 1] ?? SharedPayload(entry.publication)
                (payloads[index - 1], payloads[index]) = (payload, payload)
            } else {
                bytes += entry.publication.heapBytes
            }
        }
    }

    subscript(index: Int) -> SharedPayload? { payloads.isEmpty ? nil : payloads[index] }
}

extension Publication {
    /// Whether both are the same bytes in memory, and not only alike.
    fileprivate func isSame(as other: Publication) -> Bool {
        Self.isSame(data, other.data) && Self.isSame(event, other.event)
    }

    private static func isSame(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.count == right.count
            && left.withUnsafeBufferPointer { left in
                right.withUnsafeBufferPointer { left.baseAddress == $0.baseAddress }
            }
    }
}
