import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import PusherProtocol
import WebSocketCore
import WebSocketNIO

/// What is answered where. Requests come here only for paths that ``APIService/claims(_:)``.
struct APIRoutes: Sendable {
    private let api: PusherAPI
    private let work = AppWork(threads: ProcessorLimit.count, label: "parley-api")
    private let maximumBodyBytes: Int
    private let onRefusal: @Sendable (Refusal) -> Void

    init(_ api: PusherAPI, maximumBodyBytes: Int, onRefusal: @escaping @Sendable (Refusal) -> Void) {
        self.api = api
        self.maximumBodyBytes = maximumBodyBytes
        self.onRefusal = onRefusal
    }

    /// What answers a request on a connection.
    func responder(logger: Logger) -> HTTPChannelHandler.Responder {
        let methods = [HTTPRequest.Method.get, .post, .put, .patch, .delete, .head, .options]
        let router = Router(context: APIContext.self)
        // Which paths there are below, whatever prefix a proxy has put before them, is the API's own matter: it has to
        // look at them as they came, because that is what is signed.
        for method in methods {
            router.on("**", method: method) { try await publish($0, $1.channel) }
        }
        let routes = router.buildResponder()
        return { request, writer, channel in
            let response: Response
            if methods.contains(request.method) {
                let source = ApplicationRequestContextSource(channel: channel, logger: logger)
                response = try await routes.respond(to: request, context: APIContext(source: source))
            } else {
                response = await failure(.methodNotAllowed, "Only GET and POST work here.", channel)
            }
            try await writer.write(response: response.head, body: response.body)
        }
    }

    private func publish(_ request: Request, _ channel: any Channel) async throws -> Response {
        let body = try await request.body.collect(upTo: maximumBodyBytes)
        // The front door refuses what it can not finish; should it ever let some of a body pass for all of it, a
        // publication must not come of that.
        if let length = request.headers[.contentLength], length != String(body.readableBytes) {
            return await failure(.badRequest, "The request's body has not arrived in full.", channel)
        }
        let target = request.head.path ?? ""
        let path = target.prefix { $0 != "?" }
        let call = PusherAPIRequest(
            method: request.method.rawValue, path: String(path),
            query: String(target.dropFirst(path.count).dropFirst()),
            idempotencyKey: Self.idempotencyKey.flatMap { request.headers[$0] },
            contentEncoding: request.headers[.contentEncoding], body: Array(body.readableBytesView))
        let answer = await answer(to: call)
        if let refusal = answer.refusal { await report(answer.status, refusal, String(path), channel) }
        return Self.response(answer)
    }

    /// Has a request carried out when it is its app's turn.
    private func answer(to request: PusherAPIRequest) async -> PusherAPIResponse {
        switch api.verify(request) {
        case .refused(let answer): return answer
        case .verified(let request):
            return await withCheckedContinuation { done in
                work.add(request.app) { [api] in api.respond(to: request) { done.resume(returning: $0) } }
            }
        }
    }

    /// Tells the operator what a back end was refused; never its query, which has the signature in it.
    private func report(_ status: Int, _ words: String, _ path: String, _ channel: any Channel) async {
        let peer = await WebSocketServer.clientAddress(of: channel)
        onRefusal(Refusal(.status(status), reason: words, detail: path, peer: peer))
    }

    private static let idempotencyKey = HTTPField.Name("Idempotency-Key")

    private static func response(_ answer: PusherAPIResponse) -> Response {
        var fields = HTTPFields()
        for (name, value) in answer.fields {
            if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
        }
        return Response(
            status: HTTPResponse.Status(code: answer.status), headers: fields, body: body(of: answer))
    }

    /// Pieces of a body that are on their way to the socket at a time.
    private static let pieceBytes = 65_536

    /// The body; a long one goes in pieces, at the client's pace.
    private static func body(of answer: PusherAPIResponse) -> ResponseBody {
        let body = answer.body
        guard body.count > pieceBytes else { return ResponseBody(byteBuffer: ByteBuffer(bytes: body)) }
        return ResponseBody(contentLength: body.count) { [lease = answer.lease] writer in
            for start in stride(from: 0, to: body.count, by: pieceBytes) {
                let end = min(start + pieceBytes, body.count)
                try await writer.write(ByteBuffer(bytes: body[start..<end]))
            }
            withExtendedLifetime(lease) {}
            try await writer.finish(nil)
        }
    }

    /// An error in the form of the API's own; the words go into JSON as they are.
    private func failure(_ status: HTTPResponse.Status, _ words: String, _ channel: any Channel) async -> Response {
        await report(status.code, words, "", channel)
        return Response(
            status: status, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: "{\"error\":\"\(words)\"}")))
    }
}
