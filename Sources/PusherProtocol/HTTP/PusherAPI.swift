import Channels

/// The HTTP API through which back ends publish to an app's channels and ask about them (section 7), without any I/O:
/// whoever has the HTTP library hands requests in and sends the answers. Any thread.
///
/// | Request | Answer |
/// | --- | --- |
/// | `POST /apps/{id}/events` | `{}`, or what `info` asked: see ``respond(to:completion:)`` |
/// | `POST /apps/{id}/batch_events` | the same for several events, all of them published or none |
/// | `GET /apps/{id}/channels` | `{"channels":{NAME:{…}}}`: the occupied ones, by name |
/// | `GET /apps/{id}/channels/{name}` | `{"occupied":…}` with what `info` asked |
/// | `GET /apps/{id}/channels/{name}/users` | `{"users":[{"id":…}]}` of a presence channel |
/// | `GET /apps/{id}/channels/{name}/history` | what is kept: see ``respond(to:completion:)`` |
/// | `POST /apps/{id}/users/{user}/terminate_connections` | `{}`; the user's connections are closed with 4009 |
/// | `GET /apps/{id}/connections` | `{"connections":…}` of this node |
///
/// A path may have any prefix before `/apps/`, which is not signed. Every success has status 200. Errors are
/// `{"error":TEXT}`: 400 for what makes no sense, 401 without a valid signature, 403 for a disabled app, 404 for an
/// unknown app or path, 405, 409 for an idempotency key that stands for another request, 413 and 414 for what is too
/// large, 415 for a body that is encoded in another way than gzip; 429 above ``PusherLimits/requestsPerSecond`` of one key and 503 when the engine keeps
/// nothing, both with `Retry-After`. Only requests with a valid signature count for 429, so that nobody else can use up
/// a key's share.
public final class PusherAPI: Sendable {
    /// The longest path with its query, in bytes.
    public static let maximumTargetBytes = APIQuery.maximumBytes

    /// What became of a compressed body.
    public enum InflatedBody: Sendable {
        /// All of it.
        case whole([UInt8])
        /// It would have more bytes than allowed.
        case tooLong
        /// It is not one gzip member and nothing else.
        case malformed
    }

    /// Inflates a gzip member to at most so many bytes; any thread. Only bodies with a valid signature get there.
    public typealias Inflater = @Sendable (_ body: [UInt8], _ maximumBytes: Int) -> InflatedBody

    let node: PusherNode
    private let keys: [ObjectIdentifier: [APIKey]]
    private let inflater: Inflater?
    private let answers: AnswerBudget
    /// Has work done that takes long.
    let doLongWork: LongWork

    /// Has work of an app done that takes up to seconds, where the requests of others do not wait for its thread.
    public typealias LongWork = @Sendable (_ app: Int, _ work: @escaping @Sendable () -> Void) -> Void

    /// The API of a node's apps.
    ///
    /// - Parameters:
    ///   - inflater: reads gzip; without one, compressed bodies are answered with 415.
    ///   - answers: the memory for lists and histories that have not left yet; 64 MiB by default.
    ///   - doLongWork: has long lists made; by default at once, on the thread that asks.
    public init(
        node: PusherNode, inflater: Inflater? = nil, answers: AnswerBudget = AnswerBudget(bytes: 64 * 1024 * 1024),
        doLongWork: @escaping LongWork = { $1() }
    ) {
        self.node = node
        self.doLongWork = doLongWork
        self.answers = answers
        self.inflater = inflater
        keys = Dictionary(
            node.runtimes.map { (ObjectIdentifier($0), $0.app.keys.map(APIKey.init)) }, uniquingKeysWith: { $1 })
    }

    /// Whether a path belongs to the API, whatever stands under it.
    ///
    /// - Parameter path: as it came, without the query.
    public func handles(path: String) -> Bool { APIPath(path) != nil }

    /// Does what a request asks, and answers once: perhaps before this returns, perhaps on another thread.
    ///
    /// **Publishing.** `name`, `data` (a string; it travels byte for byte), `channels` or `channel`, and optionally
    /// `socket_id` (a connection that is left out) and `info`. A channel that is named twice gets the event once. Names
    /// that begin with `pusher:`, `pusher_internal:` or `parley:` are the server's own and refused; `client-…` is
    /// allowed: whoever has the secret may say what a client may. Of the reserved channels `#server-to-user-ID` alone can
    /// be published to. An encrypted channel has to be the only one of its event. 200 means that everything is kept.
    ///
    /// **info** of a publish, in the body or the query: `subscription_count`, `user_count` and `position`. The answer is
    /// then `{"channels":{NAME:{"subscription_count":N,"user_count":N,"position":{"epoch":E,"offset":N}}}}`, and for a
    /// batch `{"batch":[{…},…]}` with the same members for each event, in order. What a channel has not (`user_count`
    /// without presence) and counts that could not be read after the publish are left out.
    ///
    /// **Idempotency-Key**, 1 to 255 printable ASCII characters, with a publish: it is carried out at most once. The
    /// request is known again by method, path, query (without what only signs it) and body. All repetitions get the same
    /// answer, because the answer is made of the request and of the positions alone: with a key the counts are left out.
    ///
    /// **History** takes `limit` (1 to 300, other numbers are taken for the nearest; 100 by default) and `since`
    /// (`EPOCH:OFFSET`, the last position that the asker has; without it the newest are meant). The answer is
    /// ```
    /// {"epoch":E,"offset":TOP,"oldest":O,"recovered":true,
    ///  "events":[{"offset":N,"event":S,"data":S},…]}
    /// ```
    /// `epoch` and `offset` are the position of the last event that was published, kept or not; `oldest` is the first
    /// offset that is kept, one above `offset` when none is. `recovered` comes with `since` only: `true` says that nothing
    /// is missing between `since` and the last of `events`. Otherwise there is `gap`: `{"from":A,"to":B,"oldest":O}` for
    /// events that are not kept any more, or `null` when `since` is no position of this log; `events` then begin with the
    /// oldest that is kept. As long as the last of `events` is below `offset` there is more: ask again from there.
    public func respond(
        to request: PusherAPIRequest, completion: @escaping @Sendable (PusherAPIResponse) -> Void
    ) {
        switch verify(request) {
        case .verified(let request): respond(to: request, completion: completion)
        case .refused(let response): completion(response)
        }
    }

    /// A request that an app has signed; its body has not been looked at.
    public struct VerifiedRequest: Sendable {
        fileprivate let request: PusherAPIRequest
        fileprivate let call: Call
        fileprivate let signature: APISignature

        /// The app that signed it, by its place among those of the node.
        public var app: Int { call.runtime.index }
    }

    /// What ``verify(_:)`` finds.
    public enum Verification: Sendable {
        /// What is left to do may cost much, and is for an app's account.
        case verified(VerifiedRequest)
        /// The answer to the request.
        case refused(PusherAPIResponse)
    }

    /// Checks the head of a request, which costs little, and finds the app that signed it. A caller that serves several apps
    /// can then decide when to carry the request out.
    public func verify(_ request: PusherAPIRequest) -> Verification {
        do throws(PusherAPIError) {
            let (call, signature) = try verify(request, bodyBytes: request.body.count)
            return .verified(VerifiedRequest(request: request, call: call, signature: signature))
        } catch {
            return .refused(error.response)
        }
    }

    /// Does what a verified request asks, see ``respond(to:completion:)``.
    public func respond(
        to verified: VerifiedRequest, completion: @escaping @Sendable (PusherAPIResponse) -> Void
    ) {
        do throws(PusherAPIError) {
            try carryOut(try accept(verified), verified.request, completion: completion)
        } catch {
            completion(error.response)
        }
    }

    /// What is left of a request once it may be carried out.
    struct Call {
        let route: APIRoute
        let signedPath: Substring.UTF8View
        let query: APIQuery
        let runtime: PusherAppRuntime
        /// How the body was sent.
        let coding: ContentCoding
        /// The body, uncompressed.
        var body: [UInt8] = []

        /// What `info` in the query asks for.
        func attributes(_ allowed: APIAttributes) throws(PusherAPIError) -> APIAttributes {
            try APIAttributes(query.value("info") ?? [], allowed: allowed)
        }
    }

    /// Whether the body of a request may come, decided from its head: path, method, key, time and signature have to be
    /// right, because what is signed is the digest of the body. Whoever holds memory for bodies asks this first; it
    /// changes nothing, and the request is verified again when its body is there.
    ///
    /// - Parameters:
    ///   - head: the request without its body.
    ///   - bodyBytes: the length of the body; `nil` when it is not known yet.
    /// - Returns: the id of the app, or the answer that refuses the request.
    public func admit(_ head: PusherAPIRequest, bodyBytes: Int?) -> Admission {
        do throws(PusherAPIError) {
            let (call, signature) = try verify(head, bodyBytes: bodyBytes ?? 0)
            let mayHaveBody = bodyBytes != 0
            if mayHaveBody { try signature.checkThatBodyMayCome(method: head.method) }
            guard call.runtime.app.isEnabled else { throw .disabled }
            return .admitted(app: call.runtime.app.id)
        } catch {
            return .refused(error.response)
        }
    }

    /// What ``admit(_:bodyBytes:)`` decides.
    public enum Admission: Sendable {
        /// The request is signed with a key of this app.
        case admitted(app: PusherApp.ID)
        /// The answer to the request.
        case refused(PusherAPIResponse)
    }

    /// The method that a path of the API takes; `nil` when the API has nothing under it.
    ///
    /// - Parameter path: as it came, without the query.
    public func method(path: String) -> String? { APIPath(path)?.route?.method }

    /// Checks what the head decides. What costs least comes first; what a stranger may learn (that an app exists) is
    /// what the protocol tells it anyway.
    private func verify(
        _ request: PusherAPIRequest, bodyBytes: Int
    ) throws(PusherAPIError) -> (call: Call, signature: APISignature) {
        guard request.path.utf8.count + request.query.utf8.count < Self.maximumTargetBytes else { throw .longTarget }
        guard let path = APIPath(request.path), let route = path.route else { throw .unknownPath }
        guard request.method == route.method else { throw .wrongMethod(allowed: route.method) }
        let coding = try ContentCoding(request.contentEncoding)
        let query = try Self.query(request.query)
        let runtime = try runtime(of: path, query)
        let limits = runtime.app.limits
        guard bodyBytes <= limits.requestBytes else {
            throw .tooLarge("The body may have \(limits.requestBytes) bytes at most. Split it into several requests.")
        }
        let signature = try APISignature(
            of: request, signedPath: path.signed, query: query, keys: keys(of: runtime), dialect: runtime.app.dialect,
            now: node.unixMilliseconds / 1_000)
        let call = Call(route: route, signedPath: path.signed, query: query, runtime: runtime, coding: coding)
        return (call, signature)
    }

    /// Checks everything else but the meaning of the body.
    private func accept(_ verified: VerifiedRequest) throws(PusherAPIError) -> Call {
        let (request, signature) = (verified.request, verified.signature)
        var call = verified.call
        try signature.check(request.body, method: request.method)
        let runtime = call.runtime
        guard runtime.app.isEnabled else { throw .disabled }
        guard runtime.takeRequest(of: signature.key) else { throw .tooManyRequests }
        if runtime.app.refusesReplay {
            switch runtime.takeSignature(
                PusherSignature.bytes(ofHexadecimal: signature.digits) ?? [], timestamp: signature.timestamp,
                window: APISignature.window, now: node.unixMilliseconds / 1_000)
            {
            case .first: break
            case .repeated: throw .replayed
            case .full: throw .tooManySignatures
            }
        }
        call.body = try call.coding.decode(
            request.body, limit: runtime.app.limits.requestBytes, with: inflater)
        return call
    }

    private static func query(_ query: String) throws(PusherAPIError) -> APIQuery {
        do throws(APIQuery.Fault) {
            return try APIQuery(query)
        } catch {
            switch error {
            case .repeated: throw .repeatedParameter
            case .ambiguous: throw .ambiguousQuery
            case .tooMany: throw .tooManyParameters
            }
        }
    }

    /// The app that is meant: that of the id in the path, but for a lenient app the one that the key belongs to. On the
    /// path without an id the key tells it in any case.
    private func runtime(of path: APIPath, _ query: APIQuery) throws(PusherAPIError) -> PusherAppRuntime {
        let key = query.plainValue("auth_key")
        let named = path.app.flatMap { node.runtime(id: String(Substring($0))) }
        // Mostly both name the same app.
        if let named, let key, keys(of: named).contains(where: { key.elementsEqual($0.name) }) { return named }
        if let owner = key.flatMap({ node.runtime(keyBytes: Array($0)) }),
            path.app == nil || owner.app.dialect == .lenient
        {
            return owner
        }
        if let named { return named }
        if query.isUnsigned { throw .notSigned }
        throw path.app == nil ? .unknownKey : .unknownApp
    }

    private func keys(of runtime: PusherAppRuntime) -> [APIKey] { keys[ObjectIdentifier(runtime)] ?? [] }

    private func carryOut(
        _ call: Call, _ request: PusherAPIRequest, completion: @escaping @Sendable (PusherAPIResponse) -> Void
    ) throws(PusherAPIError) {
        switch call.route {
        case .events, .batchEvents: try publish(call, request, completion: completion)
        case .channels: try listChannels(call, completion: try bounded(.channels, call, completion))
        case .channel(let name): try describe(try channel(name), call, completion: completion)
        case .users(let name):
            try listUsers(of: try channel(name), call, completion: try bounded(.users, call, completion))
        case .history(let name):
            try readHistory(of: try channel(name), call, completion: try bounded(.history, call, completion))
        case .terminateConnections(let user): try terminateConnections(of: user, call, completion: completion)
        case .connections:
            var json = JSONWriter()
            json.raw(#"{"connections":"#)
            json.number(call.runtime.connectionCount)
            json.raw("}")
            completion(PusherAPIResponse(json: json))
        }
    }

    /// Claims the memory of an answer whose length nobody knows yet; 503 when the app has too many of them on the way.
    private func bounded(
        _ kind: AnswerBudget.Kind, _ call: Call, _ completion: @escaping @Sendable (PusherAPIResponse) -> Void
    ) throws(PusherAPIError) -> @Sendable (PusherAPIResponse) -> Void {
        guard let lease = answers.claim(kind, of: call.runtime.app.id) else { throw .tooManyAnswers }
        return { response in
            guard lease.settle(kind, bytes: response.body.count) else {
                return completion(PusherAPIError.tooManyAnswers.response)
            }
            var response = response
            response.lease = lease
            completion(response)
        }
    }

    /// A channel that the path names, decoded once; 400 for what is no channel's name.
    private func channel(_ bytes: [UInt8]) throws(PusherAPIError) -> APIChannel {
        guard let channel = APIChannel(bytes) else { throw .invalid(APIChannel.rule) }
        return channel
    }

    private func terminateConnections(
        of user: [UInt8], _ call: Call, completion: (PusherAPIResponse) -> Void
    ) throws(PusherAPIError) {
        guard let control = PusherChannelNames.control(user) else {
            throw .invalid("A user id has 1 to \(PusherUserID.maximumBytes) of these: A-Z a-z 0-9 _ - = @ , . ;")
        }
        // Whatever arrives there closes them, on all nodes.
        call.runtime.hub.relay(Publication(data: []), to: control)
        completion(.done)
    }
}
