import Synchronization
public import WebSocketCore

/// A frame that is made when it is first asked for, and kept for the others who ask as long as this object lives.
///
/// What all of them keep together is bounded: beyond 16 MiB a frame is made each time. Any thread.
public final class FrameOnce: Sendable {
    private static let maximumKept = 16 << 20
    private static let kept = Atomic(0)

    private let frame = Lock<SharedFrame?>(nil)

    /// Without a frame.
    public init() {}

    deinit {
        frame.withLock { frame in
            if let frame { Self.kept.subtract(frame.bytes.count, ordering: .relaxed) }
        }
    }

    /// The frame; and whether it had to be made.
    public func value(_ make: () -> SharedFrame) -> (frame: SharedFrame, isNew: Bool) {
        if let known = frame.withLock({ $0 }) { return (known, false) }
        // Outside of the lock: on another loop the same may be made at the same time, and the first one stays.
        let made = make()
        return frame.withLock { frame in
            if let frame { return (frame, true) }
            if Self.kept.load(ordering: .relaxed) + made.bytes.count <= Self.maximumKept {
                Self.kept.add(made.bytes.count, ordering: .relaxed)
                frame = made
            }
            return (made, true)
        }
    }
}
