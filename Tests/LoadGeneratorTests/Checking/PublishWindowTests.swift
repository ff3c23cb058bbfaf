import Testing

@testable import LoadGenerator

@Suite("The window of a publisher", .timeLimit(.minutes(5)))
struct PublishWindowTests {
    private func filled(_ capacity: Int, subscribers: Int) -> PublishWindow {
        var window = PublishWindow(capacity: capacity, subscribers: subscribers)
        for number in 0..<window.room { #expect(window.send() == UInt64(number)) }
        return window
    }

    @Test("An empty window has room for all", arguments: [1, 2, 3, 16, 1024])
    func empty(_ capacity: Int) {
        let window = filled(capacity, subscribers: 10)
        #expect(window.sent == UInt64(capacity))
        #expect(window.awaited == capacity * 10)
        #expect(window.room == 0)
    }

    @Test("With one message under way the next one waits for the last subscriber")
    func one() {
        var window = filled(1, subscribers: 3)
        window.delivered(2)
        #expect(window.room == 0)
        window.delivered(1)
        #expect(window.room == 1)
        #expect(window.send() == 1)
    }

    @Test("New messages leave together, when half of the window is free", arguments: [(2, 1), (3, 2), (16, 8)])
    func half(capacity: Int, half: Int) {
        var window = filled(capacity, subscribers: 5)
        window.delivered(half * 5 - 1)
        #expect(window.room == 0)
        window.delivered(1)
        #expect(window.room == half)
    }

    @Test("More deliveries than there can be do not make more room than the window has")
    func tooMany() {
        var window = filled(4, subscribers: 2)
        window.delivered(1000)
        #expect(window.room == 4)
        #expect(window.awaited == 0)
    }

    @Test("What a subscriber that is gone has not got is not awaited any more")
    func left() {
        var window = filled(4, subscribers: 2)
        window.delivered(4)  // one has all
        #expect(window.awaited == 4)
        window.subscriberLeft(next: 1)  // the other one has had the first
        #expect(window.awaited == 1)
        window.delivered(1)
        #expect(window.room == 4)
        _ = window.send()
        #expect(window.awaited == 1)
    }

    @Test("Without subscribers nothing is sent")
    func nobody() {
        #expect(PublishWindow(capacity: 4, subscribers: 0).room == 0)
        var window = filled(4, subscribers: 1)
        window.subscriberLeft(next: 0)
        #expect(window.room == 0)
        #expect(window.awaited == 0)
    }
}
