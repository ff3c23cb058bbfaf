import Glibc

/// What happened on a loop, in order, for a test that waits on its own thread.
final class Journal<Entry: Sendable>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t> = .allocate(capacity: 1)
    private let condition: UnsafeMutablePointer<pthread_cond_t> = .allocate(capacity: 1)
    private var list: [Entry] = []

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func add(_ entry: Entry) {
        pthread_mutex_lock(mutex)
        list.append(entry)
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }

    /// What happened so far: a copy, since the thread sanitizer does not see how a shared buffer is given back.
    var entries: [Entry] {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return list.map { $0 }
    }

    /// Waits until there are so many; `false` when there are not within ``patience``.
    func wait(for count: Int) -> Bool {
        var deadline = timespec()
        clock_gettime(CLOCK_REALTIME, &deadline)
        deadline.tv_sec += patience
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while list.count < count {
            if pthread_cond_timedwait(condition, mutex, &deadline) == ETIMEDOUT { return list.count >= count }
        }
        return true
    }
}
