import Logging
import NIOCore
import Testing
import WebSocketCore

@testable import Channels
@testable import ParleyServer
@testable import WebSocketNIO

@Suite("What a server serves", .timeLimit(.minutes(5)))
struct ServedProtocolsTests {
    @Test("An app's client whose handshake is under way when the server begins to drain is sent away")
    func draining() {
        let services = ServedProtocols(
            RunningParley.configuration, originPolicy: .any, logger: Logger(label: "test")
        ) { _ in }
        let request = OpeningRequest(
            method: "GET", target: "/app/key-1?protocol=7", httpVersion: (major: 1, minor: 1), fields: HeaderFields([]))
        let session = {
            services.route(for: request)?.makeSession(
                AcceptedRequest(
                    head: request, subprotocol: nil, remoteAddress: nil, countedAddress: nil, loop: TurnedLoop()))
        }
        #expect(session() is PusherSession)
        services.beginDraining()
        #expect(session() is PusherRefusal)
        services.stop()
    }

    @Test("What is kept for a time goes when that is over, though nobody asks for it any more")
    func ticks() async throws {
        let services = ServedProtocols(
            RunningParley.configuration, originPolicy: .any, logger: Logger(label: "test")
        ) { _ in }
        let engine = try #require(Mirror(reflecting: services).descendant("engine") as? MemoryEngine)
        let hub = ChannelHub(namespace: Array("app:1".utf8), engine: engine, encoder: SilentEncoder())
        let name = try #require(ChannelName(Array("c".utf8)))
        let entry = PublishRequest.Entry(
            channel: name, publication: Publication(data: [UInt8](repeating: 0x61, count: 1_000)),
            retention: Retention(publications: 10, milliseconds: 1))
        await withCheckedContinuation { done in hub.publish([entry]) { _ in done.resume() } }
        #expect(engine.store.keptBytes > 1_000)
        let ticker = Task { await services.tickEverySecond() }
        let deadline = ContinuousClock.now + .nanoseconds(patience.nanoseconds)
        while engine.store.keptBytes > 1_000, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(engine.store.keptBytes < 1_000)  // its position is remembered
        ticker.cancel()
        services.stop()
    }
}
