public import Synchronization

/// A value behind a `Mutex`, with a hand-over that the thread sanitizer can see.
///
/// On Linux a contended `Mutex` is handed over by the kernel, so the sanitizer misses the order and reports races
/// that are none. The flag is written before unlocking and read after locking, which says the same once more, in its
/// words; both are plain moves where loads and stores are ordered anyway.
///
/// Public for other modules to get it specialised: as a generic call it looks up the metadata of its arguments each time,
/// which is some thousand instructions.
public struct Lock<Value: Sendable>: ~Copyable, Sendable {
    @usableFromInline let mutex: Mutex<Value>
    @usableFromInline let handOver = Atomic(false)

    /// A value that nobody holds yet.
    @inlinable
    public init(_ value: Value) { mutex = Mutex(value) }

    /// Runs `body` with the value, alone; it may not lock again.
    @inlinable
    public borrowing func withLock<Result: Sendable, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try mutex.withLock { value throws(Failure) in
            _ = handOver.load(ordering: .acquiring)
            defer { handOver.store(true, ordering: .releasing) }
            return try body(&value)
        }
    }
}
