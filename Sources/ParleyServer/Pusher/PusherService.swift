import Channels
import NIOConcurrencyHelpers
import PusherProtocol
import WebSocketCore
import WebSocketNIO

/// The apps on the server: the routes that lead to them, and what their connections need now and then.
final class PusherService: Sendable {
    /// 4100: clients come back after a second at least.
    static let comeBackLater = CloseCode(rawValue: PusherCloseCode.overCapacity)
    /// 4201: no answer to a ping; clients come back at once.
    static let noPong = CloseCode(rawValue: PusherCloseCode.noPong)

    private let node: PusherNode
    private let clock: @Sendable () -> MonotonicInstant
    private let shards: Shards
    private let limits: ConnectionLimits
    private let originPolicy: NIOLockedValueBox<OriginPolicy>
    /// Connections that have to prove themselves, of each loop that has had any.
    private let probations = NIOLockedValueBox<[LoopBound<PusherProbation>]>([])
    private let probation: LoopLocal<PusherProbation>

    /// - Parameters:
    ///   - clock: the node's.
    ///   - limits: what a connection may ask; pings follow its app.
    init(
        node: PusherNode, clock: @escaping @Sendable () -> MonotonicInstant, shards: Shards, limits: ConnectionLimits,
        originPolicy: OriginPolicy
    ) {
        self.node = node
        self.clock = clock
        self.shards = shards
        self.limits = limits
        self.originPolicy = NIOLockedValueBox(originPolicy)
        probation = LoopLocal { [probations] loop in
            let probation = PusherProbation(loop)
            probations.withLockedValue { $0.append(LoopBound(probation)) }
            return probation
        }
    }

    /// Sets whose pages may connect from now on.
    func setOriginPolicy(_ policy: OriginPolicy) { originPolicy.withLockedValue { $0 = policy } }

    /// The route for a request, if its path belongs to apps.
    func route(for request: OpeningRequest) -> WebSocketRoute? {
        let path = request.target.prefix { $0 != "?" }
        let decision = PusherHandshake.decide(
            path: path, query: request.target.dropFirst(path.count).dropFirst(), node: node)
        var handshake = ServerHandshake(originPolicy: originPolicy.withLockedValue { $0 })
        switch decision {
        case .notPusher:
            return nil
        case .refused(let code, let message):
            return WebSocketRoute(handshake: handshake, limits: limits) { _ in
                PusherRefusal(code: code, message: message)
            }
        case .accepted(let runtime, let version, let namesClient):
            handshake.acceptsAnySubprotocol = runtime.app.dialect == .lenient
            return WebSocketRoute(handshake: handshake, limits: limits(of: runtime.app)) { [self] request in
                PusherSession(
                    PusherConversation(
                        runtime: runtime, node: node, protocolVersion: version, shard: shards.shard(of: request.loop)),
                    runtime.app.authorizationTimeout.map { _ in probation.value(on: request.loop) },
                    namesClient: namesClient)
            }
        }
    }

    private func limits(of app: PusherApp) -> ConnectionLimits {
        var limits = limits
        limits.pingsWithoutData = true
        limits.pingInterval = UInt64(clamping: app.limits.activityTimeout) * 1000
        limits.pongTimeout = UInt64(clamping: app.limits.pongTimeout) * 1000
        return limits
    }

    /// Does what is due about once a second. Any thread.
    func tick() {
        node.tick()
        let now = clock()
        for probation in probations.withLockedValue({ $0 }) {
            probation.value.loop.execute { probation.value.tick(now: now) }
        }
    }

    /// New connections are sent away from now on.
    func beginDraining() { node.beginDraining() }
}
