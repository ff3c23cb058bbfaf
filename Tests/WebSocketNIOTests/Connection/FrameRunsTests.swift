import NIOCore
import Testing
import WebSocketCore

@testable import WebSocketNIO

@Suite("Runs of shared frames", .timeLimit(.minutes(5)))
struct FrameRunsTests {
    /// Notes how often it was asked.
    private final class CountingCompressor: MessageCompressor {
        private(set) var count = 0

        func compress(_ payload: UnsafeRawBufferPointer, into output: inout [UInt8]) -> Bool {
            count += 1
            output += payload.prefix(3)
            return true
        }
    }

    @Test("Readers of several channels share what they have in common, whatever the order of the messages")
    func crossing() {
        let runs = FrameRuns()
        // Who reads which of two channels; the messages come in turns.
        let readers: [(first: Bool, second: Bool)] = [(true, false), (true, true), (false, true), (true, true)]
        var stands = [FrameRun?](repeating: nil, count: readers.count)
        var expected = [[WireFrame]](repeating: [], count: readers.count)
        for turn in 0..<10 {
            let frame = SharedFrame(text: "\(turn)")
            for (index, reader) in readers.enumerated() where turn % 2 == 0 ? reader.first : reader.second {
                stands[index] = runs.run(after: stands[index], frame, nil)
                expected[index].append(.text("\(turn)"))
            }
        }
        for (stand, frames) in zip(stands, expected) {
            #expect(stand.map { WireFrame.all(Array($0.buffer.readableBytesView)) } == frames)
        }
        #expect(stands[1] === stands[3])
    }

    @Test("A run ends at 64 frames or 64 KiB, and a long frame stays alone", arguments: [10, 1_500, 20_000])
    func bounds(_ size: Int) {
        let runs = FrameRuns()
        var stand: FrameRun?
        var count = 0
        while true {
            guard let longer = runs.run(after: stand, SharedFrame(.binary, [UInt8](repeating: 1, count: size)), nil)
            else { break }
            stand = longer
            count += 1
        }
        #expect(count == (size == 10 ? 64 : size == 1_500 ? 43 : 1))
    }

    @Test("A frame is compressed once for each compressor, however many sequences it is part of (RFC 7692)")
    func compressedOnce() throws {
        let runs = FrameRuns()
        let compressors = [CountingCompressor(), CountingCompressor()]
        let frame = SharedFrame(text: "hello")
        for before in 0..<5 {
            let other = before == 0 ? nil : runs.run(after: nil, SharedFrame(text: "\(before)"), nil)
            for compressor in compressors {
                let run = try #require(runs.run(after: other, frame, compressor))
                let last = try #require(WireFrame.all(Array(run.buffer.readableBytesView)).last)
                #expect(last.isCompressed && last.payload == Array("hel".utf8))
            }
            let plain = try #require(runs.run(after: other, frame, nil))
            #expect(WireFrame.all(Array(plain.buffer.readableBytesView)).last == .text("hello"))
        }
        #expect(compressors.map(\.count) == [1, 1])
    }

    @Test("Nothing of a turn is kept after it")
    func freed() {
        let runs = FrameRuns()
        weak var first: SharedFrame?
        weak var run: FrameRun?
        do {
            let frames = (0..<50).map { SharedFrame(text: "\($0)") }
            first = frames[0]
            var stand: FrameRun?
            for frame in frames {
                stand = runs.run(after: stand, frame, nil)
                _ = runs.run(after: nil, frame, nil)
            }
            run = stand
            _ = stand?.buffer
        }
        #expect(first != nil && run != nil)
        runs.endTurn()
        #expect(first == nil && run == nil)
    }
}
