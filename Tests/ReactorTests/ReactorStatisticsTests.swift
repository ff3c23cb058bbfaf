import Testing

@testable import Reactor

@Suite("What a reactor's loops have done", .timeLimit(.minutes(5)))
struct ReactorStatisticsTests {
    private let sums: [WritableKeyPath<ReactorStatistics, Int>] = [
        \.ticks, \.events, \.reads, \.writes, \.wakeUps, \.connections, \.slowReaders, \.holds,
    ]
    private let maxima: [WritableKeyPath<ReactorStatistics, Int>] = [
        \.mostReleases, \.mostLargeBytes, \.mostLargeBytesSent, \.mostEvents, \.largestRead, \.longestTickMicroseconds,
    ]

    /// Statistics in which every figure is another.
    private func figures(from start: Int) -> ReactorStatistics {
        var statistics = ReactorStatistics()
        for (number, figure) in (sums + maxima).enumerated() { statistics[keyPath: figure] = start + number }
        return statistics
    }

    @Test("Those of several loops are added up, figure by figure; of what is a maximum the largest counts")
    func sum() {
        let (small, large) = (figures(from: 1), figures(from: 1_000))
        for (left, right) in [(small, large), (large, small)] {
            let both = left + right
            for figure in sums {
                #expect(both[keyPath: figure] == small[keyPath: figure] + large[keyPath: figure], "\(figure)")
            }
            for figure in maxima { #expect(both[keyPath: figure] == large[keyPath: figure], "\(figure)") }
        }
    }

    @Test("When the maxima begin anew, all of them do, and nothing else")
    func reset() throws {
        try withSteppedLoop { loop in
            loop.loop.statistics = figures(from: 1_000)
            let before = loop.loop.currentStatistics(resetting: true)
            let after = loop.loop.currentStatistics(resetting: false)
            for figure in maxima {
                #expect(before[keyPath: figure] >= 1_000, "\(figure)")
                #expect(after[keyPath: figure] == 0, "\(figure)")
            }
            for figure in sums { #expect(after[keyPath: figure] == before[keyPath: figure], "\(figure)") }
        }
    }
}
