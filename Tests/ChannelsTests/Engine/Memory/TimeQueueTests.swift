import Testing
import WebSocketCore

@testable import Channels

@Suite("Channels by a time of each", .timeLimit(.minutes(5)))
struct TimeQueueTests {
    private func log(_ number: Int) throws -> ChannelLog {
        ChannelLog(
            address: try ChannelAddress("\(number)"),
            account: Account(namespace: [], secret: KeyedHash(key: SIMD2(1, 2))),
            position: Position(epoch: Epoch(rawValue: 0), offset: 0), at: MonotonicInstant(milliseconds: 0))
    }

    @Test("What is put in, moved and taken out comes by its time", arguments: 1...5)
    func random(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        let queue = TimeQueue(.aging)
        let logs = try (0..<200).map(log)
        var times: [Int: UInt64] = [:]
        for _ in 0..<10_000 {
            let number = Int.random(in: 0..<logs.count, using: &generator)
            switch Int.random(in: 0..<10, using: &generator) {
            case 0..<6:
                let time = UInt64.random(in: 0..<300, using: &generator)
                queue.set(logs[number], to: MonotonicInstant(milliseconds: time))
                times[number] = time
            case 6..<8:
                queue.remove(logs[number])
                times[number] = nil
            default:
                let limit = UInt64.random(in: 0..<300, using: &generator)
                let earliest = times.values.min()
                let item = queue.pop(until: MonotonicInstant(milliseconds: limit))
                if let earliest, earliest <= limit {
                    let item = try #require(item)
                    #expect(item.time.milliseconds == earliest)
                    let popped = try #require(logs.firstIndex { $0 === item.log })
                    #expect(times.removeValue(forKey: popped) == earliest)
                } else {
                    #expect(item == nil)
                }
            }
            try #require(queue.count == times.count)
        }
        var rest: [UInt64] = []
        while let item = queue.pop() { rest.append(item.time.milliseconds) }
        #expect(rest == times.values.sorted())
    }

    @Test("A channel has a place in each queue")
    func kinds() throws {
        let log = try log(0)
        let queues = [TimeQueue(.aging), TimeQueue(.expiring), TimeQueue(.idle)]
        for queue in queues { queue.set(log, to: MonotonicInstant(milliseconds: 1)) }
        queues[1].remove(log)
        queues[1].remove(log)
        #expect(queues.map(\.count) == [1, 0, 1])
        #expect(queues[0].pop() != nil)
        #expect(queues.map(\.count) == [0, 0, 1])
    }
}
