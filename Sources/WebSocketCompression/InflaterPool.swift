/// The inflate streams of a loop for messages without context takeover.
///
/// A connection borrows a stream when a compressed message begins and gives it back when it ends, because a message
/// arrives in pieces and those of several connections interleave. A connection in the middle of a message so costs up
/// to 39 KiB, one between messages nothing.
final class InflaterPool {
    /// How many unused streams are kept; more than a few at a time only exist while many messages are half received.
    static let maximumIdle = 8

    let scratch: ScratchBuffer
    private(set) var idle: [InflateStream] = []

    init(scratch: ScratchBuffer) {
        self.scratch = scratch
        idle.reserveCapacity(Self.maximumIdle)
    }

    /// A stream with an empty window of the largest size, which reads every smaller one; `nil` without memory.
    func borrow() -> InflateStream? {
        idle.popLast() ?? InflateStream(windowBits: 15)
    }

    /// Takes a stream back. Its window is cleared here, so that no connection can refer to another one's message.
    func giveBack(_ stream: InflateStream) {
        guard idle.count < Self.maximumIdle else { return }
        stream.reset()
        idle.append(stream)
    }
}
