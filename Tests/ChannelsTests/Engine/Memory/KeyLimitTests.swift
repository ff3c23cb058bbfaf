import Testing
import WebSocketCore

@testable import Channels

@Suite("How many idempotency keys a memory engine remembers", .timeLimit(.minutes(5)))
struct KeyLimitTests {
    private func request(_ key: String, bytes: Int = 1) throws -> PublishRequest {
        let channel = try ChannelAddress("news")
        return PublishRequest(
            namespace: channel.namespace,
            entries: [
                PublishRequest.Entry(
                    channel: channel.name, publication: Publication(data: Array(repeating: 0, count: bytes)),
                    retention: Retention())
            ],
            idempotency: PublishRequest.Idempotency(key: Array(key.utf8), fingerprint: [1, 2, 3]))
    }

    @Test("Above the number, keys of ten minutes and more go, oldest first; younger ones never")
    func number() async throws {
        let cluster = MemoryFixture(options: MemoryStore.Options(maximumKeys: 3)).makeMemoryCluster()
        let engine = cluster.engines[0]
        var positions: [[Position]] = []
        for key in ["a", "b", "c"] {
            positions.append(try await engine.publish(request(key)))
            cluster.advance(by: 1)
        }
        cluster.advance(by: 599_996)
        await #expect(throws: EngineError.overloaded) { try await engine.publish(request("d")) }
        #expect(try await engine.history(ChannelAddress("news")).top.offset == 3)
        // A repetition needs no room.
        #expect(try await engine.publish(request("a")) == positions[0])
        cluster.advance(by: 1)
        #expect(try await engine.publish(request("d")).map(\.offset) == [4])
        #expect(try await engine.publish(request("b")) == positions[1])
        #expect(try await engine.publish(request("c")) == positions[2])
        cluster.advance(by: 1)
        // The first was forgotten, and can come again in place of the second.
        #expect(try await engine.publish(request("a")).map(\.offset) == [5])
        await #expect(throws: EngineError.overloaded) { try await engine.publish(request("b")) }
    }

    @Test("Above the bytes it is the same, and what was forgotten is given back")
    func bytes() async throws {
        let each = 1 + 3 + 16 + 352
        let cluster = MemoryFixture(options: MemoryStore.Options(keyBudget: 2 * each)).makeMemoryCluster()
        let engine = cluster.engines[0]
        for round in 0..<5 {
            _ = try await engine.publish(request("a"))
            _ = try await engine.publish(request("b"))
            await #expect(throws: EngineError.overloaded) { try await engine.publish(request("c")) }
            #expect(cluster.store.keys.withLock { $0.bytes } == 2 * each)
            if round % 2 == 0 {
                cluster.advance(by: 600_000)
                _ = try await engine.publish(request("x"))
                cluster.advance(by: 600_000)
                _ = try await engine.publish(request("y"))
                cluster.advance(by: 600_000)
            } else {
                cluster.advance(by: 86_400_000)
                engine.tick()
                #expect(cluster.store.keys.withLock { $0.bytes } == 0)
                #expect(cluster.store.keys.withLock { $0.count } == 0)
            }
        }
        await #expect(throws: EngineError.overloaded) {
            try await engine.publish(request(String(repeating: "k", count: 2 * each)))
        }
    }

    @Test("A request that failed does not use up its key")
    func failure() async throws {
        let cluster = MemoryFixture(options: MemoryStore.Options(historyBudget: 1_000)).makeMemoryCluster()
        let engine = cluster.engines[0]
        await #expect(throws: EngineError.overloaded) { try await engine.publish(request("k", bytes: 2_000)) }
        await #expect(throws: EngineError.overloaded) { try await engine.publish(request("k", bytes: 2_000)) }
        #expect(cluster.store.keys.withLock { $0.count } == 0)
        #expect(cluster.store.keys.withLock { $0.bytes } == 0)
        let first = try await engine.publish(request("k"))
        #expect(try await engine.publish(request("k")) == first)
    }

    @Test("Repetitions wait for the first, and get its failure as well as its success")
    func waiting() throws {
        let options = MemoryStore.Options()
        let clock = ManualClock()
        var table = IdempotencyTable(options: options)
        let name = IdempotencyTable.Name(namespace: [1], key: [2])
        let position = Position(epoch: Epoch(rawValue: 1), offset: 1)
        for result in [Result<[Position], EngineError>.failure(.overloaded), .success([position])] {
            guard case .first = table.begin(name, fingerprint: [3], positions: 1, at: clock.now, { _ in }) else {
                Issue.record("The request was taken for a repetition.")
                return
            }
            for _ in 0..<3 {
                guard case .waits = table.begin(name, fingerprint: [3], positions: 1, at: clock.now, { _ in }) else {
                    Issue.record("The repetition did not wait.")
                    return
                }
            }
            guard
                case .answered(.failure(.keyWasUsed)) = table.begin(
                    name, fingerprint: [4], positions: 1, at: clock.now, { _ in })
            else {
                Issue.record("Another request was not refused.")
                return
            }
            // However long the first takes, it is not forgotten.
            clock.advance(by: 2 * options.keyMilliseconds)
            table.prune(at: clock.now)
            #expect(table.end(name, with: result, at: clock.now).count == 3)
        }
        guard
            case .answered(.success([position])) = table.begin(
                name, fingerprint: [3], positions: 1, at: clock.now, { _ in })
        else {
            Issue.record("The success was not remembered.")
            return
        }
    }
}
