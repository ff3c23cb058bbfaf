import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import WebSocketCore
import WebSocketNIO

/// A server for the generator, whose path says what it does right or wrong.
final class TestServer: Sendable {
    /// The connections that get what is published; confined to the loop.
    final class Hub {
        var subscribers: [ObjectIdentifier: WebSocketConnection] = [:]
        var open = 0
        var mostOpen = 0
    }

    private let server: WebSocketServer
    private let group: MultiThreadedEventLoopGroup
    private let visits: NIOLockedValueBox<[String: Int]>
    private let hub: NIOLoopBound<Hub>
    let port: Int

    /// How many connections came from each address.
    var peers: [String: Int] { visits.withLockedValue { $0 } }

    init() async throws {
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let eventLoop = group.next()
        let hub = try await eventLoop.submit { NIOLoopBound(Hub(), eventLoop: eventLoop) }.get()
        self.hub = hub
        let visits = NIOLockedValueBox<[String: Int]>([:])
        self.visits = visits
        var configuration = WebSocketServerConfiguration { request in
            guard let behaviour = Behaviour(rawValue: String(request.target.dropFirst())) else { return nil }
            var limits = ConnectionLimits()
            limits.messagesPerSecond = nil
            return WebSocketRoute(limits: limits) { accepted in
                visits.withLockedValue { $0[accepted.remoteAddress?.ipAddress ?? "", default: 0] += 1 }
                return Session(behaviour, hub.value)
            }
        }
        configuration.port = 0
        server = WebSocketServer(configuration: configuration, group: group)
        port = try await server.start().port
    }

    /// The most connections that were open at the same time.
    func mostOpen() async throws -> Int { try await hub.eventLoop.submit { self.hub.value.mostOpen }.get() }

    func url(_ behaviour: Behaviour) -> String { "ws://127.0.0.1:\(port)/\(behaviour.rawValue)" }

    func stop() async throws {
        await server.stop()
        try await group.shutdownGracefully()
    }

    /// What a connection does with its messages, numbered from 0.
    enum Behaviour: String, Sendable {
        /// Sends them back.
        case echo
        /// Says nothing.
        case silent
        /// Sends everything back twice.
        case twice
        /// Changes the last byte of message 5.
        case damage
        /// Does not send message 5 back.
        case lose
        /// Sends back as text what was binary.
        case text
        /// Closes with 1008 after message 5.
        case close
        /// Gets what is published.
        case sub
        /// Publishes to `sub`.
        case pub
        /// Publishes to `sub`, but not message 5.
        case losingPub
        /// Publishes to all on this path, itself too.
        case all
        /// Gets what is published, and closes with 1013 after message 5.
        case leavingSub
        /// As `sub`, but the first one is as `leavingSub`.
        case firstLeavingSub
    }

    private final class Session: WebSocketSession {
        private let behaviour: Behaviour
        private let hub: Hub
        private var connection: WebSocketConnection?
        private var count = 0

        init(_ behaviour: Behaviour, _ hub: Hub) {
            self.behaviour = behaviour
            self.hub = hub
        }

        override func opened(_ connection: WebSocketConnection) {
            self.connection = connection
            hub.open += 1
            hub.mostOpen = max(hub.mostOpen, hub.open)
            switch behaviour {
            case .sub, .all: hub.subscribers[ObjectIdentifier(self)] = connection
            case .firstLeavingSub where !hub.subscribers.isEmpty:
                hub.subscribers[ObjectIdentifier(self)] = connection
            case .leavingSub, .firstLeavingSub:
                hub.subscribers[ObjectIdentifier(self)] = LeavingConnection(connection)
            default: break
            }
        }

        override func received(_ kind: MessageKind, _ payload: RawSpan) {
            defer { count += 1 }
            switch behaviour {
            case .echo: connection?.send(kind, payload)
            case .silent, .sub, .leavingSub, .firstLeavingSub: break
            case .twice:
                connection?.send(kind, payload)
                connection?.send(kind, payload)
            case .damage where count == 5:
                var bytes = payload.withUnsafeBytes { [UInt8]($0) }
                bytes[bytes.count - 1] ^= 1
                connection?.send(kind, bytes.span.bytes)
            case .lose where count == 5: break
            case .damage, .lose: connection?.send(kind, payload)
            case .text: connection?.send(.text, payload)
            case .close:
                if count == 5 { connection?.close(.policyViolation, reason: "five is enough") }
                connection?.send(kind, payload)
            case .losingPub where count == 5: break
            case .pub, .losingPub, .all: for subscriber in hub.subscribers.values { subscriber.send(kind, payload) }
            }
        }

        override func closed(_ outcome: CloseOutcome) {
            hub.open -= 1
            hub.subscribers[ObjectIdentifier(self)] = nil
            connection = nil
        }
    }

    /// Passes five messages on, then closes.
    private final class LeavingConnection: WebSocketConnection {
        private let connection: WebSocketConnection
        private var count = 0

        init(_ connection: WebSocketConnection) {
            self.connection = connection
            super.init()
        }

        override func send(_ kind: MessageKind, _ payload: RawSpan) {
            count += 1
            if count > 5 { connection.close(.tryAgainLater, reason: "") } else { connection.send(kind, payload) }
        }
    }
}
