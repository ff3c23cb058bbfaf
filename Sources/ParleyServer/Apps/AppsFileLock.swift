import Foundation

/// Keeps every other program that takes it away from an apps file, until it is released or its program ends.
///
/// On the folder, since the file itself is replaced. A file system without such locks (NFS) does not keep anybody away.
public final class AppsFileLock: Sendable {
    private static let attempts = 1500
    private static let pause: TimeInterval = 0.02

    private let descriptor: Int32

    /// Waits for the lock, at most 30 seconds.
    ///
    /// - Returns: `nil` when another program has it all that time.
    /// - Throws: `POSIXError` when the folder cannot be opened.
    init?(folder: String) throws {
        descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        for _ in 0..<Self.attempts {
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return }
            switch errno {
            case EWOULDBLOCK: Thread.sleep(forTimeInterval: Self.pause)
            case EINTR: continue
            default: return
            }
        }
        return nil
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Lets the next program have it. Any thread; a second call does nothing.
    public func release() { _ = flock(descriptor, LOCK_UN) }
}
