#if os(Linux)
import CEpoll
import Glibc

/// The loop's epoll descriptor and the eventfd that wakes it.
///
/// Level-triggered: a connection that has more than its budget of a tick is simply reported again.
final class Poller {
    /// How many events are taken a tick at most, so that a storm of them is spread over ticks.
    static let eventsPerTick = 256

    private let epoll: Int32
    private let wakeUp: Int32
    private let events: UnsafeMutablePointer<epoll_event>

    init() throws(ReactorError) {
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else { throw .system("epoll_create1", errno: errno) }
        wakeUp = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        guard wakeUp >= 0 else {
            let cause = errno
            close(epoll)
            throw .system("eventfd", errno: cause)
        }
        events = .allocate(capacity: Self.eventsPerTick)
        var event = epoll_event()
        event.events = EPOLLIN.rawValue
        event.data.u64 = 0
        guard epoll_ctl(epoll, EPOLL_CTL_ADD, wakeUp, &event) == 0 else {
            let cause = errno
            close(wakeUp)
            close(epoll)
            events.deallocate()
            throw .system("epoll_ctl", errno: cause)
        }
    }

    deinit {
        close(wakeUp)
        close(epoll)
        events.deallocate()
    }

    /// What a thread needs to wake the loop.
    var waker: Waker { Waker(descriptor: wakeUp) }

    /// Watches a socket; `false` when the kernel has no room for one more.
    func add(_ descriptor: Int32, _ interest: Interest, _ slot: SlotHandle) -> Bool {
        control(EPOLL_CTL_ADD, descriptor, interest, slot)
    }

    /// Watches it for something else from now on.
    func modify(_ descriptor: Int32, _ interest: Interest, _ slot: SlotHandle) {
        _ = control(EPOLL_CTL_MOD, descriptor, interest, slot)
    }

    /// Watches it no more.
    func remove(_ descriptor: Int32) { epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, nil) }

    /// Waits until something happens, at most so many milliseconds; -1 for ever. How many events there are.
    func wait(_ milliseconds: Int32) -> Int {
        let count = epoll_wait(epoll, events, Int32(Self.eventsPerTick), milliseconds)
        return max(Int(count), 0)  // EINTR is as good as nothing
    }

    /// An event of the last ``wait(_:)``: whose, and what; `nil` for a wake-up, which is taken with that.
    func event(_ index: Int) -> (slot: SlotHandle, readiness: Readiness)? {
        let event = events[index]
        guard let slot = SlotHandle(token: event.data.u64) else {
            var count: UInt64 = 0
            _ = read(wakeUp, &count, 8)
            return nil
        }
        return (slot, Readiness(rawValue: event.events))
    }

    private func control(
        _ operation: Int32, _ descriptor: Int32, _ interest: Interest, _ slot: SlotHandle
    ) -> Bool {
        var event = epoll_event()
        event.events = interest.rawValue
        event.data.u64 = slot.token
        return epoll_ctl(epoll, operation, descriptor, &event) == 0
    }

    /// What a connection waits for.
    struct Interest: OptionSet {
        let rawValue: UInt32
        static let reading = Interest(rawValue: EPOLLIN.rawValue)
        static let writing = Interest(rawValue: EPOLLOUT.rawValue)
    }

    /// What happened on a connection.
    struct Readiness: OptionSet {
        let rawValue: UInt32
        static let writable = Readiness(rawValue: EPOLLOUT.rawValue)
        /// Bytes, the end of input, or an error: reading tells which.
        static let readable = Readiness(rawValue: EPOLLIN.rawValue)
        /// Both directions have ended, or the connection is broken.
        static let ended = Readiness(rawValue: EPOLLERR.rawValue | EPOLLHUP.rawValue)
    }
}

/// Wakes a loop that may be waiting. Any thread, as long as the loop lives.
struct Waker: Sendable {
    let descriptor: Int32

    func wake() {
        var one: UInt64 = 1
        _ = write(descriptor, &one, 8)  // a counter that is full wakes as well
    }
}
#endif
