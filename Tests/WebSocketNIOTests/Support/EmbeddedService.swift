import NIOCore
import NIOHTTP1

@testable import WebSocketNIO

/// An HTTP service for embedded channels: notes what reaches it, and answers when the test says so or at once.
final class EmbeddedService: HTTPService, @unchecked Sendable {
    // Touched by the one thread of the test alone.
    private(set) var attachments = 0
    private(set) var handler: Handler?
    /// What the head of a request with a body gets, and the lengths that were asked about.
    var admission = HTTPAdmission.admitted(owner: "app")
    private(set) var admissions: [Int?] = []
    /// Answers each request as soon as it is whole.
    var answersAtOnce = true

    func claims(_ path: Substring) -> Bool { path.hasPrefix("/apps/") }

    func methods(of path: Substring) -> [String] { ["POST"] }

    func admit(_ request: HTTPRequest, bodyBytes: Int?) -> HTTPAdmission {
        admissions.append(bodyBytes)
        return admission
    }

    func attach(to channel: any Channel) throws {
        attachments += 1
        let handler = Handler(answersAtOnce: answersAtOnce)
        self.handler = handler
        try channel.pipeline.syncOperations.addHandler(handler)
    }

    /// What stands where an API would.
    final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let answersAtOnce: Bool
        private(set) var heads: [HTTPRequestHead] = []
        private(set) var body: [UInt8] = []
        private(set) var ends = 0
        private(set) var readsEnded = 0
        private(set) var errors: [any Error] = []
        private(set) var isInactive = false
        private(set) var context: ChannelHandlerContext?

        init(answersAtOnce: Bool) { self.answersAtOnce = answersAtOnce }

        func handlerAdded(context: ChannelHandlerContext) { self.context = context }

        func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                heads.append(head)
                body = []
            case .body(let bytes): body += bytes.readableBytesView
            case .end:
                ends += 1
                if answersAtOnce { answer(200, String(decoding: body, as: UTF8.self)) }
            }
        }

        func channelReadComplete(context: ChannelHandlerContext) { readsEnded = ends }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { errors.append(error) }

        func channelInactive(context: ChannelHandlerContext) { isInactive = true }

        func begin(_ status: HTTPResponseStatus, _ fields: [(String, String)] = []) {
            let head = HTTPResponseHead(version: .http1_1, status: status, headers: HTTPHeaders(fields))
            context?.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
        }

        func write(_ text: String) {
            context?.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
        }

        func end() { context?.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil) }

        func answer(_ status: Int, _ text: String, _ fields: [(String, String)] = []) {
            begin(
                HTTPResponseStatus(statusCode: status), [("Content-Length", String(text.utf8.count))] + fields)
            if !text.isEmpty { write(text) }
            end()
        }

        func close(_ mode: CloseMode = .all) { context?.channel.close(mode: mode, promise: nil) }
    }
}
