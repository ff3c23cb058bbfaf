import Testing

@testable import Channels

@Suite("A queue in one block", .timeLimit(.minutes(5)))
struct RingTests {
    @Test("Random appends and removals are those of an array", arguments: 1...5)
    func random(seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed))
        var ring = Ring<Int>()
        var model: [Int] = []
        for step in 0..<20_000 {
            // Phases of growing and of shrinking, so that the block is resized both ways.
            if Int.random(in: 0..<100, using: &generator) < (step / 1_000 % 2 == 0 ? 60 : 40) {
                ring.append(step)
                model.append(step)
            } else {
                let removed = ring.removeFirst()
                #expect(removed == (model.isEmpty ? nil : model.removeFirst()))
            }
            #expect(ring.count == model.count)
            #expect(ring.isEmpty == model.isEmpty)
            #expect(ring.first == model.first)
            #expect(ring.last == model.last)
            let index = Int.random(in: -2...model.count + 2, using: &generator)
            #expect(ring[index] == (model.indices.contains(index) ? model[index] : nil))
        }
        #expect((0..<ring.count).map { ring[$0] } == model)
    }

    @Test("An element is let go when it is removed")
    func release() {
        final class Thing: Sendable {}
        var ring = Ring<Thing>()
        weak var first: Thing?
        do {
            let thing = Thing()
            first = thing
            ring.append(thing)
        }
        for _ in 0..<5 { ring.append(Thing()) }
        #expect(first != nil)
        ring.removeFirst()
        #expect(first == nil)
        #expect(ring.count == 5)
    }
}
