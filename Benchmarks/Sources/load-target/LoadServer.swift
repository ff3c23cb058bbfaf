import Channels
import Dispatch
import NIOCore
import NIOPosix
import Reactor
import Synchronization
import WebSocketCompression
import WebSocketCore
import WebSocketNIO

/// The server itself: the library's, with a carrier, sessions and nothing else.
struct LoadServer {
    var host: String
    var port: Int
    var carrier: CarrierKind
    var loops: Int
    var compression: CompressionMode
    var limits: ConnectionLimits
    /// Whether SwiftNIO's loops note their absences; the reactor always does.
    var watches: Bool

    /// Listens and serves from now on.
    func start() async throws -> BoundAddress {
        let carrier = try carrier.makeCarrier(loops: loops)
        // With a carrier of its own there is little left for SwiftNIO to do.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: carrier == nil ? loops : 1)
        if watches, carrier == nil {
            for eventLoop in group.makeIterator() { Self.watch(eventLoop) }
        }
        let places = LoopLocal { loop in
            Place(
                shard: Shard { shard in
                    Counters.shardWakeUps.add(1, ordering: .relaxed)
                    loop.execute { shard.drain() }
                })
        }
        let limits = limits
        var configuration = WebSocketServerConfiguration { _ in
            WebSocketRoute(limits: limits) { request in
                LoadSessions.make(path: request.path, on: places.value(on: request.loop))
            }
        }
        configuration.host = host
        configuration.port = port
        configuration.compression = DeflateConfiguration(mode: compression)
        configuration.carrier = carrier
        configuration.accept = .unlimited
        let loops = loops
        configuration.respond = { request in
            guard request.path == "/stats" else { return .text(404, "Nothing but /stats is here for HTTP.") }
            let restarts = request.head.target.hasSuffix("?restart")
            let body = Counters.json(loops: loops, Self.figures(of: carrier, restarts: restarts))
            if restarts { Counters.longestAbsence.store(0, ordering: .relaxed) }
            return HTTPAnswer(status: 200, fields: [("Content-Type", "application/json")], body: Array(body.utf8))
        }
        return try await WebSocketServer(configuration: configuration, group: group).start()
    }

    /// What the carrier has counted itself, as members of a JSON object.
    private static func figures(of carrier: (any ConnectionCarrier)?, restarts: Bool) -> String {
        #if os(Linux)
        if let reactor = carrier as? Reactor {
            let box = Box()
            Task.detached {
                let statistics = await reactor.statistics(resetting: restarts)
                box.statistics.withLock { $0 = statistics }
                box.isFilled.signal()
            }
            // This thread is SwiftNIO's, where nothing but requests like this one waits.
            box.isFilled.wait()
            if let statistics = box.statistics.withLock({ $0 }) { return Counters.json(statistics) }
        }
        #endif
        return #""carrier":"nio""#
    }

    /// Notes how late a beat of 1 ms comes: for so long the loop has done something else.
    private static func watch(_ eventLoop: any EventLoop) {
        let period = TimeAmount.milliseconds(1)
        @Sendable func beat(due: NIODeadline) {
            let now = eventLoop.now
            Counters.noteAbsence(nanoseconds: (now - due).nanoseconds)
            eventLoop.scheduleTask(deadline: now + period) { beat(due: now + period) }
        }
        let first = eventLoop.now + period
        eventLoop.scheduleTask(deadline: first) { beat(due: first) }
    }
}

#if os(Linux)
/// Where the answer of the reactor's loops waits for the thread that has asked.
private final class Box: Sendable {
    let statistics = Mutex<ReactorStatistics?>(nil)
    let isFilled = DispatchSemaphore(value: 0)
}
#endif
