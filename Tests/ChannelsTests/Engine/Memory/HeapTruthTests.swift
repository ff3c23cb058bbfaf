#if canImport(Glibc)
import Glibc
import Testing
import WebSocketCore

@testable import Channels

/// Holds what a store counts against what the allocator has given away, in a process of its own that prints both.
@Suite("What a store counts is what the allocator gives", .enabled(if: Heap.isOfSystem), .timeLimit(.minutes(5)))
struct HeapTruthTests {
    @Test("Within 1.3 times in every shape of what is kept, and never far above what is taken")
    func shapes() async throws {
        let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
            measure("one tiny event in each of many channels") { store in
                for number in 0..<20_000 { store.say("c\(number)", 1) }
            }
            measure("many tiny events in one channel") { store in
                for _ in 0..<100_000 { store.say("c", 1) }
            }
            measure("a hundred events of 200 bytes in each channel") { store in
                for number in 0..<50_000 { store.say("c\(number % 500)", 200) }
            }
            measure("names of 164 bytes") { store in
                for number in 0..<20_000 { store.say(String(repeating: "n", count: 158) + "\(100_000 + number)", 10) }
            }
            measure("large payloads") { store in
                for number in 0..<400 { store.say("c\(number % 20)", 60_000) }
            }
            measure("payloads of a megabyte") { store in
                for number in 0..<40 { store.say("c\(number % 4)", 1 << 20) }
            }
            measure("payloads that grew byte by byte") { store in
                for number in 0..<20_000 {
                    var data: [UInt8] = []
                    for _ in 0..<140 { data.append(0x78) }
                    store.say("c\(number % 200)", data: data)
                }
            }
            measure("one request to a hundred channels") { store in
                for number in 0..<500 {
                    let data = Array(repeating: UInt8(truncatingIfNeeded: number), count: 10_000)
                    let names = (0..<100).map { "c\($0)" }
                    store.publish(names, data, key: nil)
                }
            }
            measure("positions of channels without a history") { store in
                for number in 0..<100_000 { store.say("c\(number)", 1, keeping: .none) }
            }
            measure("idempotency keys", { $0.keys.withLock { $0.bytes } }) { store in
                for number in 0..<40_000 {
                    store.publish(["c"], [1], key: "6ba7b810-9dad-11d1-80b4-\(100_000_000_000 + number)")
                }
            }
        }
        let found = Measured.all(in: try #require(result).standardOutputContent)
        #expect(found.count == 10)
        for measured in found {
            let ratio = Double(measured.taken) / Double(max(1, measured.counted))
            // Tables that double are counted as three quarters full: most of all where there is nothing else.
            let isTable = measured.what.hasPrefix("positions")
            #expect(ratio < 1.3 && ratio > (isTable ? 0.5 : 1 / 1.3), "\(measured)")
        }
    }

    @Test("A store full to the brim of its budget takes 1.3 times as much at most, whatever fills it")
    func brim() async throws {
        let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
            for bytes in [1, 100, 3_000, 200_000] {
                measure("\(bytes) each", budget: 16 << 20) { store in
                    let count = 40_000_000 / (bytes + 600)
                    for number in 0..<count { store.say("c\(number % (1 + count / 3))", bytes) }
                }
            }
        }
        let found = Measured.all(in: try #require(result).standardOutputContent)
        #expect(found.count == 4)
        for measured in found {
            #expect(measured.counted <= 16 << 20, "\(measured)")
            #expect(measured.taken < 21 << 20 && measured.taken > 10 << 20, "\(measured)")
        }
    }
}

/// What a store of one shape has taken and what it has counted, in bytes.
private struct Measured: Sendable {
    let what: String
    let taken: Int
    let counted: Int

    /// Reads the lines that ``measure(_:budget:_:_:)`` has printed.
    static func all(in output: [UInt8]) -> [Measured] {
        String(decoding: output, as: UTF8.self).split(separator: "\n").compactMap { line in
            let parts = line.split(separator: "|")
            guard parts.count == 3, let taken = Int(parts[1]), let counted = Int(parts[2]) else { return nil }
            return Measured(what: String(parts[0]), taken: taken, counted: counted)
        }
    }
}

/// Fills a store, prints what the allocator has given for it and what it counts, and empties it.
private func measure(
    _ what: String, budget: Int = 1 << 30, _ counted: (MemoryStore) -> Int = { $0.keptBytes }, _ fill: (Filled) -> Void
) {
    let before = Heap.inUse
    let filled = Filled(MemoryStore.Options(historyBudget: budget))
    fill(filled)
    filled.rest()
    print("\(what)|\(Heap.inUse - before)|\(counted(filled.store))")
}

/// A store that is being filled by one publisher.
private final class Filled {
    let store: MemoryStore
    private let engine: MemoryEngine
    private let clock = ManualClock()

    init(_ options: MemoryStore.Options) {
        let clock = clock
        store = MemoryStore(options: options, clock: { clock.now })
        engine = MemoryEngine(store: store)
    }

    func say(_ name: String, _ bytes: Int, keeping retention: Retention = Filled.everything) {
        say(name, data: Array(repeating: 0x78, count: bytes), keeping: retention)
    }

    func say(_ name: String, data: [UInt8], keeping retention: Retention = Filled.everything) {
        publish([name], data, key: nil, keeping: retention)
    }

    func publish(_ names: [String], _ data: [UInt8], key: String?, keeping retention: Retention = Filled.everything) {
        let publication = Publication(event: Array("my-event".utf8), data: data)
        let entries = names.compactMap { ChannelName(Array($0.utf8)) }.map {
            PublishRequest.Entry(channel: $0, publication: publication, retention: retention)
        }
        let idempotency = key.map {
            PublishRequest.Idempotency(key: Array($0.utf8), fingerprint: Array(repeating: 1, count: 32))
        }
        engine.publish(
            PublishRequest(namespace: Array("app".utf8), entries: entries, idempotency: idempotency)
        ) { if case .failure = $0 { exit(2) } }
    }

    /// A second later the records of channels that nobody uses are gone.
    func rest() {
        clock.advance(by: 1_000)
        engine.tick()
    }

    static let everything = Retention(publications: 1 << 40, milliseconds: .max, bytes: 1 << 40)
}

/// The allocator's own books.
private enum Heap {
    /// A sanitizer has an allocator of its own, which takes more.
    static let isOfSystem = dlsym(nil, "__asan_init") == nil && dlsym(nil, "__tsan_init") == nil

    /// Bytes that are given away, in all arenas and in blocks of their own.
    static var inUse: Int {
        guard let symbol = dlsym(nil, "malloc_info") else { exit(3) }
        let writeInfo = unsafeBitCast(
            symbol, to: (@convention(c) (Int32, UnsafeMutablePointer<FILE>?) -> Int32).self)
        var (text, size): (UnsafeMutablePointer<CChar>?, Int) = (nil, 0)
        let stream = open_memstream(&text, &size)
        _ = writeInfo(0, stream)
        fclose(stream)
        guard let text else { exit(3) }
        defer { free(text) }
        // The sums of all arenas come last.
        let lines = String(cString: text).split(separator: "\n")
        func last(_ beginning: String) -> Int {
            let line = lines.last { $0.hasPrefix(beginning) } ?? ""
            let digits = line.components(between: "size=\"", and: "\"")
            return Int(digits) ?? 0
        }
        return last("<system type=\"current\"") - last("<total type=\"fast\"") - last("<total type=\"rest\"")
            + last("<total type=\"mmap\"")
    }
}

extension Substring {
    /// What stands between two texts.
    fileprivate func components(between first: String, and second: String) -> Substring {
        guard let start = range(first)?.upperBound else { return "" }
        let rest = self[start...]
        return rest[..<(rest.range(second)?.lowerBound ?? rest.endIndex)]
    }

    private func range(_ text: String) -> Range<Index>? {
        indices.first { self[$0...].hasPrefix(text) }.map { $0..<index($0, offsetBy: text.count) }
    }
}
#endif
