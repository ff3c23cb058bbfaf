import Testing

@testable import Channels

@Suite("A channel's stream puts what an engine tells into order", .timeLimit(.minutes(5)))
struct ChannelStreamTests {
    private static let epoch = Epoch(rawValue: 1)
    private static let limit = 300

    private static func position(_ offset: UInt64, epoch: Epoch = epoch) -> Position {
        Position(epoch: epoch, offset: offset)
    }

    private static func publication(_ offset: UInt64) -> Publication { Publication(data: Array("\(offset)".utf8)) }

    private static func page(
        _ offsets: ClosedRange<UInt64>?, top: UInt64, oldest: UInt64, epoch: Epoch = epoch
    ) -> HistoryPage {
        HistoryPage(
            entries: (offsets.map { Array($0) } ?? []).map {
                HistoryPage.Entry(offset: $0, publication: publication($0), age: 0)
            }, top: position(top, epoch: epoch), oldest: oldest)
    }

    /// A stream that is open at an offset.
    private static func stream(at offset: UInt64) -> ChannelStream {
        var stream = ChannelStream()
        _ = stream.open(at: position(offset))
        return stream
    }

    /// The steps in words.
    private static func words(_ steps: [ChannelStream.Step]) -> [String] {
        steps.map { step in
            switch step {
            case .publication(_, let position): "\(position.offset)"
            case .lost(let gap?, let position): "lost \(gap.from)-\(gap.to)/\(gap.oldest) at \(position.offset)"
            case .lost(nil, let position): "another log at \(position.offset)"
            }
        }
    }

    @Test("The next one is delivered, an old one dropped, one too early waits and asks for the log")
    func verdicts() {
        var stream = Self.stream(at: 4)
        #expect(stream.receive(Self.publication(4), at: Self.position(4)) == .drop)
        #expect(stream.receive(Self.publication(5), at: Self.position(5)) == .deliver)
        #expect(stream.receive(Self.publication(5), at: Self.position(5)) == .drop)
        #expect(!stream.needsFilling)
        #expect(stream.receive(Self.publication(7), at: Self.position(7)) == .wait)
        #expect(stream.needsFilling)
        #expect(stream.receive(Self.publication(6), at: Self.position(6)) == .deliver)
        #expect(stream.next().map(\.position.offset) == [7])
        #expect(stream.last == Self.position(7))
    }

    @Test("What is told before the channel is open follows when it is, unless the top covers it")
    func beforeOpen() {
        var stream = ChannelStream()
        for offset in [6, 4, 5] as [UInt64] {
            #expect(stream.receive(Self.publication(offset), at: Self.position(offset)) == .wait)
        }
        #expect(stream.open(at: Self.position(4)).map(\.position.offset) == [5, 6])
    }

    @Test("Any order and any repetition of the same publications comes out as that order, once each")
    func anyOrder() {
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<200 {
            var stream = Self.stream(at: 0)
            var told = (1...12).flatMap { offset in
                Array(repeating: UInt64(offset), count: .random(in: 1...3, using: &generator))
            }
            told.shuffle(using: &generator)
            var delivered: [UInt64] = []
            for offset in told {
                guard stream.receive(Self.publication(offset), at: Self.position(offset)) == .deliver else { continue }
                delivered.append(offset)
                delivered += stream.next().map(\.position.offset)
            }
            #expect(delivered == Array(1...12))
        }
    }

    @Test("A hole is filled from the log, and what was held follows")
    func fill() {
        var stream = Self.stream(at: 2)
        _ = stream.receive(Self.publication(6), at: Self.position(6))
        let steps = stream.fill(with: Self.page(3...5, top: 5, oldest: 1), limit: Self.limit)
        #expect(Self.words(steps) == ["3", "4", "5", "6"])
        #expect(!stream.needsFilling)
    }

    @Test("What the log has dropped is told as exactly the range that is lost")
    func lost() {
        var stream = Self.stream(at: 2)
        stream.interrupted()
        #expect(
            Self.words(stream.fill(with: Self.page(6...7, top: 7, oldest: 6), limit: Self.limit))
                == ["lost 3-5/6 at 5", "6", "7"])
    }

    @Test("What is missing at the end is lost when the next look does not find it either: it may only be late")
    func lostAtTheEnd() {
        var stream = Self.stream(at: 2)
        stream.interrupted()
        #expect(stream.fill(with: Self.page(nil, top: 4, oldest: 5), limit: Self.limit).isEmpty)
        // The next look is the next tick's.
        #expect(!stream.needsFilling)
        #expect(stream.receive(Self.publication(3), at: Self.position(3)) == .deliver)
        stream.interrupted()
        #expect(
            Self.words(stream.fill(with: Self.page(nil, top: 6, oldest: 7), limit: Self.limit))
                == ["lost 4-4/5 at 4"])
        #expect(!stream.needsFilling)
        #expect(stream.receive(Self.publication(4), at: Self.position(4)) == .drop)
        for offset in 5...6 as ClosedRange<UInt64> {
            #expect(stream.receive(Self.publication(offset), at: Self.position(offset)) == .deliver)
        }
        // What has come since then is no longer awaited.
        stream.interrupted()
        #expect(stream.fill(with: Self.page(nil, top: 7, oldest: 8), limit: Self.limit).isEmpty)
        #expect(stream.receive(Self.publication(7), at: Self.position(7)) == .deliver)
    }

    @Test("What is missing before something that is known is lost at the first look")
    func lostInBetween() {
        var stream = Self.stream(at: 2)
        _ = stream.receive(Self.publication(5), at: Self.position(5))
        let steps = stream.fill(with: Self.page(nil, top: 5, oldest: 6), limit: Self.limit)
        #expect(Self.words(steps) == ["lost 3-4/5 at 4", "5"])
    }

    @Test("What was awaited of another log is forgotten with it")
    func awaitedOfAnotherLog() {
        let second = Epoch(rawValue: 2)
        var stream = Self.stream(at: 2)
        stream.interrupted()
        _ = stream.fill(with: Self.page(nil, top: 4, oldest: 5), limit: Self.limit)
        stream.interrupted()
        let loss = stream.fill(with: Self.page(nil, top: 3, oldest: 1, epoch: second), limit: Self.limit)
        #expect(Self.words(loss) == ["another log at 0"])
        #expect(stream.needsFilling)
    }

    @Test("What is held is no loss, although the log has dropped it")
    func heldIsNotLost() {
        var stream = Self.stream(at: 2)
        _ = stream.receive(Self.publication(4), at: Self.position(4))
        let steps = stream.fill(with: Self.page(6...6, top: 6, oldest: 6), limit: Self.limit)
        #expect(Self.words(steps) == ["lost 3-3/4 at 3", "4", "lost 5-5/6 at 5", "6"])
    }

    @Test("A page that is not the last one says nothing of what comes behind it")
    func pages() {
        var stream = Self.stream(at: 0)
        stream.interrupted()
        #expect(Self.words(stream.fill(with: Self.page(1...2, top: 5, oldest: 1), limit: 2)) == ["1", "2"])
        #expect(stream.needsFilling)
        #expect(Self.words(stream.fill(with: Self.page(3...4, top: 5, oldest: 1), limit: 2)) == ["3", "4"])
        #expect(Self.words(stream.fill(with: Self.page(5...5, top: 5, oldest: 1), limit: 2)) == ["5"])
        #expect(!stream.needsFilling)
    }

    @Test("A log of another epoch is told as another log, and is read from its beginning")
    func anotherEpoch() {
        let second = Epoch(rawValue: 2)
        var stream = Self.stream(at: 5)
        #expect(stream.receive(Self.publication(3), at: Self.position(3, epoch: second)) == .wait)
        #expect(stream.needsFilling)
        let loss = stream.fill(with: Self.page(nil, top: 2, oldest: 1, epoch: second), limit: Self.limit)
        #expect(Self.words(loss) == ["another log at 0"])
        #expect(stream.needsFilling)
        let steps = stream.fill(with: Self.page(1...2, top: 3, oldest: 1, epoch: second), limit: Self.limit)
        #expect(Self.words(steps) == ["1", "2", "3"])
        #expect(stream.last == Self.position(3, epoch: second))
        #expect(stream.receive(Self.publication(6), at: Self.position(6)) == .wait)
        #expect(stream.fill(with: Self.page(nil, top: 3, oldest: 4, epoch: second), limit: Self.limit).isEmpty)
        #expect(!stream.needsFilling)
    }

    @Test("An answer from before what was told already changes nothing")
    func staleAnswer() {
        var stream = Self.stream(at: 5)
        stream.interrupted()
        #expect(stream.fill(with: Self.page(3...4, top: 4, oldest: 1), limit: Self.limit).isEmpty)
        #expect(stream.last == Self.position(5))
    }

    @Test("No more than its bound is held; the rest is read from the log")
    func bound() {
        var stream = Self.stream(at: 0)
        for offset in 2...UInt64(ChannelStream.maximumHeld + 50) {
            _ = stream.receive(Self.publication(offset), at: Self.position(offset))
        }
        #expect(stream.receive(Self.publication(1), at: Self.position(1)) == .deliver)
        #expect(stream.next().count == ChannelStream.maximumHeld)
        #expect(stream.needsFilling)
    }
}
