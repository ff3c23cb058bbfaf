#if os(Linux)
import Glibc

/// What other threads ask a loop to do: a list under a lock, and one wake-up for all that is appended until the loop
/// takes it.
///
/// A mutex of the system's, because the thread sanitizer sees what it orders.
final class Inbox: @unchecked Sendable {
    /// Something to be done once. In a structure, because a closure that goes into an array as it is gets a second
    /// context allocated around its own.
    struct Job {
        let run: @Sendable () -> Void
    }

    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private var jobs: [Job] = []
    private var isOpen = true
    private let waker: Waker
    /// How often another thread has woken the loop. Under the lock.
    private var wakeUps = 0

    init(waker: Waker) {
        self.waker = waker
        mutex = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// Appends a task; `false` when the loop has ended and never will run it.
    ///
    /// - Parameter isOnLoop: whether the caller is the loop's own thread, which needs no waking.
    func append(_ task: @escaping @Sendable () -> Void, isOnLoop: Bool) -> Bool {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard isOpen else { return false }
        jobs.append(Job(run: task))
        // Under the lock, so that the descriptor can not be closed and given to somebody else meanwhile.
        if jobs.count == 1, !isOnLoop {
            wakeUps &+= 1
            waker.wake()
        }
        return true
    }

    /// Takes everything; `spare` becomes the list that the next tasks go to.
    func take(_ spare: inout [Job]) {
        pthread_mutex_lock(mutex)
        swap(&spare, &jobs)
        pthread_mutex_unlock(mutex)
    }

    /// Ends it and takes what is left.
    func close() -> [Job] {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        isOpen = false
        let left = jobs
        jobs = []
        return left
    }

    var wakeUpCount: Int {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return wakeUps
    }
}
#endif
