import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import PusherProtocol
import WebSocketCore
import WebSocketNIO

/// The HTTP API behind the front door: Hummingbird reads and writes, a connection at a time in a task of its own.
///
/// The front door has its limits and deadlines in front of it, see ``WebSocketNIO/HTTPService``.
struct APIService: HTTPService {
    private let api: PusherAPI
    private let channel: APIChannel
    private let logger: Logger

    /// - Parameters:
    ///   - maximumBodyBytes: what the front door lets through.
    ///   - onRefusal: told of each answer with a status from 400 on; any thread.
    init(
        _ api: PusherAPI, maximumBodyBytes: Int, logger: Logger,
        onRefusal: @escaping @Sendable (Refusal) -> Void = { _ in }
    ) {
        self.api = api
        self.logger = logger
        let routes = APIRoutes(api, maximumBodyBytes: maximumBodyBytes, onRefusal: onRefusal)
        channel = APIChannel(routes.responder(logger: logger))
    }

    func claims(_ path: Substring) -> Bool { api.handles(path: String(path)) }

    func methods(of path: Substring) -> [String] { api.method(path: String(path)).map { [$0] } ?? ["GET", "POST"] }

    func admit(_ request: WebSocketNIO.HTTPRequest, bodyBytes: Int?) -> HTTPAdmission {
        let target = request.head.target
        let head = PusherAPIRequest(
            method: request.head.method, path: String(request.path),
            query: String(target.dropFirst(request.path.count).dropFirst()),
            contentEncoding: request.head.fields.values(of: "Content-Encoding").first)
        switch api.admit(head, bodyBytes: bodyBytes) {
        case .admitted(let app): return .admitted(owner: app)
        case .refused(let answer):
            var refusal = HTTPAnswer(
                status: answer.status, fields: answer.fields.map { (name: $0.0, value: $0.1) }, body: answer.body)
            refusal.reason = answer.refusal
            refusal.detail = String(request.path)
            return .refused(refusal)
        }
    }

    func attach(to channel: any Channel) throws {
        let connection = try self.channel.wrap(channel)
        let handler = self.channel
        let logger = logger
        // It ends with the connection, which the front door sees to.
        Task { await handler.handle(value: connection, logger: logger) }
    }
}
