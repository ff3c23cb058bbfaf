import Channels
import PusherProtocol
import Synchronization
import WebSocketCore

/// The HTTP API of a node on an engine in memory, with the app, the key and the second of the documented vectors.
final class APIServer: Sendable {
    static let key = PusherKey(key: "278d425bdf160c739803", secret: "7ad3773142a6692b25b8")
    static let second: UInt64 = 1_353_088_179

    let engine: MemoryEngine
    let node: PusherNode
    let api: PusherAPI
    let shard = Shard { _ in }
    private let time: Time

    /// Both clocks, in milliseconds; they stand still unless they are moved.
    private final class Time: Sendable {
        let passed = Atomic<UInt64>(0)
    }

    /// - Parameters:
    ///   - change: changes the app with the id 3, which has ``key``.
    ///   - others: more apps.
    init(
        options: MemoryStore.Options = MemoryStore.Options(), others: [PusherApp] = [],
        _ change: (inout PusherApp) -> Void = { _ in }
    ) {
        let time = Time()
        self.time = time
        let clock: @Sendable () -> MonotonicInstant = {
            MonotonicInstant(milliseconds: time.passed.load(ordering: .relaxed))
        }
        engine = MemoryEngine(store: MemoryStore(options: options, clock: clock))
        var app = PusherApp(id: "3", name: "three", keys: [Self.key])
        change(&app)
        node = PusherNode(
            apps: [app] + others, engine: engine, clock: clock,
            wallClock: { Self.second * 1_000 + time.passed.load(ordering: .relaxed) })
        api = PusherAPI(node: node)
    }

    var runtime: PusherAppRuntime {
        get throws {
            struct NoApp: Error {}
            guard let runtime = node.runtime(id: "3") else { throw NoApp() }
            return runtime
        }
    }

    func pass(milliseconds: UInt64) { time.passed.add(milliseconds, ordering: .relaxed) }

    /// The answer to a request, which this engine gives before the call returns.
    func respond(to request: PusherAPIRequest) -> PusherAPIResponse {
        let answers = Lock<[PusherAPIResponse]>([])
        api.respond(to: request) { answer in answers.withLock { $0.append(answer) } }
        let all = answers.withLock { $0 }
        return all.count == 1 ? all[0] : PusherAPIResponse(status: 0, fields: [], body: [])
    }

    /// Signs and sends.
    func post(
        _ path: String, _ body: String, query: String = "", signedQuery: String? = nil, idempotencyKey: String? = nil
    ) -> Answer {
        var request = Signer().request("POST", path, query: query, signedQuery: signedQuery, body: body)
        request.idempotencyKey = idempotencyKey
        return Answer(respond(to: request))
    }

    /// Signs and asks.
    func get(_ path: String, query: String = "", signedQuery: String? = nil) -> Answer {
        Answer(respond(to: Signer().request("GET", path, query: query, signedQuery: signedQuery)))
    }

    /// Publishes something somewhere.
    @discardableResult
    func publish(_ data: String, to channel: String, info: String? = nil) -> Answer {
        let info = info.map { #","info":"\#($0)""# } ?? ""
        return post("/apps/3/events", #"{"name":"said","data":"\#(data)","channel":"\#(channel)"\#(info)}"#)
    }
}

/// An answer as the tests look at it.
struct Answer: Equatable, CustomStringConvertible {
    let status: Int
    let body: String
    let fields: [String: String]

    init(_ response: PusherAPIResponse) {
        status = response.status
        body = String(decoding: response.body, as: UTF8.self)
        fields = Dictionary(response.fields, uniquingKeysWith: { $0 + ", " + $1 })
    }

    var description: String { "\(status) \(body)" }
}

/// Signs requests as a library does.
struct Signer {
    var key = APIServer.key
    var second = APIServer.second
    var sendsDigest = true

    /// - Parameters:
    ///   - query: parameters besides those that sign, as they are sent.
    ///   - signedQuery: the same as they are signed, when that is something else.
    func request(
        _ method: String, _ path: String, signedPath: String? = nil, query: String = "", signedQuery: String? = nil,
        body: String = ""
    ) -> PusherAPIRequest {
        var extra = "auth_key=\(key.key)&auth_timestamp=\(second)&auth_version=1.0"
        if !body.isEmpty, sendsDigest {
            extra += "&body_md5=" + String(decoding: PusherSignature.bodyDigest(Array(body.utf8)), as: UTF8.self)
        }
        func joined(_ query: String) -> String { query.isEmpty ? extra : extra + "&" + query }
        let sorted = joined(signedQuery ?? query).split(separator: "&").sorted { left, right in
            left.prefix { $0 != "=" } < right.prefix { $0 != "=" }
        }
        let text = "\(method)\n\(signedPath ?? path)\n\(sorted.joined(separator: "&"))"
        let signature = PusherSignature.sign(Array(text.utf8), with: key.secret)
        return PusherAPIRequest(
            method: method, path: path,
            query: joined(query) + "&auth_signature=" + String(decoding: signature, as: UTF8.self),
            body: Array(body.utf8))
    }
}

/// Listens to a channel and keeps what comes.
final class Listener: Subscriber {
    private let id: ConnectionID
    private(set) var texts: [String] = []

    init(id: ConnectionID = ConnectionID()) {
        self.id = id
        super.init()
    }

    override var connectionID: ConnectionID? { id }
    override func deliver(_ frame: SharedFrame) { texts.append(String(decoding: frame.payload, as: UTF8.self)) }

    func take() -> [String] {
        defer { texts = [] }
        return texts
    }
}

extension APIServer {
    /// A listener in a channel.
    func listener(
        in channel: String, id: ConnectionID = ConnectionID(), user: String? = nil
    ) throws -> (Listener, Subscription) {
        let listener = Listener(id: id)
        let request = SubscriptionRequest(identity: user.map { Identity(id: Array($0.utf8)) })
        let subscription = try runtime.hub.subscribe(try Self.name(channel), with: listener, on: shard, request)
        shard.drain()
        _ = listener.take()
        return (listener, subscription)
    }

    static func name(_ text: String) throws -> ChannelName {
        struct NoName: Error {}
        guard let name = ChannelName(Array(text.utf8)) else { throw NoName() }
        return name
    }
}
