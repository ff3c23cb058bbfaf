import Testing

@testable import WebSocketCore

@Suite("A line in which many that want much do not hold up those that want little", .timeLimit(.minutes(5)))
struct FairLineTests {
    @Test("Who has had little lately comes first where that is asked, and each line keeps its order")
    func order() {
        var line = FairLine<Int>.ofLargeMessages
        for id in [1, 2] { line.handled(600_000, id: UInt(id), now: 10_000) }
        for id in [1, 3, 2, 4] { line.append(id, id: UInt(id)) }
        #expect(line.count == 4 && !line.isEmpty)
        #expect(line.popFirst(prefersModest: true) == 3)
        #expect(line.popFirst(prefersModest: false) == 1)
        #expect(line.popFirst(prefersModest: true) == 4)
        #expect(line.popFirst(prefersModest: true) == 2)
        #expect(line.popFirst(prefersModest: true) == nil && line.isEmpty)
        line.append(5, id: 5)
        #expect(line.popFirst(prefersModest: false) == 5)
    }

    @Test("A turn is remembered until all who wait have had theirs, however long that takes")
    func rotation() {
        var line = FairLine<UInt>.ofLargeMessages
        line.handled(600_000, id: 0, now: 10_000)
        for id in 1...100 as ClosedRange<UInt> { line.append(id, id: id) }
        var now: UInt64 = 10_000
        for _ in 0..<300 {
            // Each turn takes 100 ms, and who has had one wants another.
            guard let id = line.popFirst(prefersModest: true) else { return #expect(Bool(false)) }
            now += 100
            line.handled(600_000, id: id, now: now)
            line.append(id, id: id)
        }
        line.append(1_000, id: 1_000)
        #expect(line.popFirst(prefersModest: true) == 1_000)
    }

    @Test("So is what one had that comes back later, as long as those who waited then are still waiting")
    func owed() {
        var line = FairLine<UInt>(share: 10, memory: 100)
        line.handled(10, id: 1, now: 0)
        for id in 10...14 as ClosedRange<UInt> { line.append(id, id: id) }
        for now: UInt64 in [50, 100, 150, 200, 250, 300] { line.handled(1, id: 2, now: now) }
        line.append(1, id: 1)
        line.append(99, id: 99)
        for id: UInt in [10, 11, 12, 13, 14, 99, 1] { #expect(line.popFirst(prefersModest: true) == id) }
        for now: UInt64 in [350, 400, 450, 500, 550, 600] { line.handled(1, id: 2, now: now) }
        line.append(1, id: 1)
        line.append(99, id: 99)
        #expect(line.popFirst(prefersModest: true) == 1)
    }

    @Test("A turn is remembered for two seconds, and at rest for four at most")
    func memory() {
        var line = FairLine<Int>.ofLargeMessages
        func isModest(_ id: UInt) -> Bool {
            line.append(0, id: id)
            line.append(1, id: 99)
            let first = line.popFirst(prefersModest: true)
            _ = line.popFirst(prefersModest: true)
            return first == 0
        }
        line.handled(600_000, id: 1, now: 10_000)
        #expect(!isModest(1) && isModest(2))
        line.handled(600_000, id: 2, now: 11_999)
        line.handled(600_000, id: 3, now: 12_000)
        #expect(!isModest(1) && !isModest(2) && !isModest(3))
        line.handled(600_000, id: 4, now: 13_999)
        line.handled(600_000, id: 5, now: 14_000)
        #expect(isModest(1) && isModest(2) && !isModest(3) && !isModest(4))
        line.handled(600_000, id: 6, now: 60_000)
        #expect(isModest(4) && isModest(5) && !isModest(6))
        // Little is no turn.
        for _ in 0..<10 { line.handled(50_000, id: 7, now: 60_100) }
        #expect(isModest(7))
        line.handled(50_000, id: 7, now: 60_100)
        #expect(!isModest(7))
        line.forget(now: 64_099)
        #expect(!isModest(7) && line.remembered == 2)
        line.forget(now: 64_100)
        #expect(isModest(7) && line.remembered == 0)
    }
}
