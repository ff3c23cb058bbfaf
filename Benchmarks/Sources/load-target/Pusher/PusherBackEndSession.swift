import PusherProtocol
import WebSocketCore

/// Hands what it gets to the HTTP API, as an HTTP library would that has read a request; the answer is dropped.
///
/// A request that comes again is not composed again: what an HTTP library allocates for it is not to be counted. The
/// clock of the load target stands at 0, so that one signature serves for all.
final class PusherBackEndSession: LoadSession {
    private static let path = "/apps/\(PusherPlace.runtime.app.id)/events"

    private var last: (message: [UInt8], request: PusherAPIRequest)?

    override func received(_ kind: MessageKind, _ payload: RawSpan) {
        let request = payload.withUnsafeBytes { message in
            if let last, last.message.elementsEqual(message) { return last.request }
            let request = Self.request(message)
            last = (Array(message), request)
            return request
        }
        PusherPlace.api.respond(to: request) { answer in
            guard answer.status != 200 else { return }
            fatalError("The HTTP API answered \(answer.status): \(String(decoding: answer.body, as: UTF8.self))")
        }
    }

    private static func request(_ message: UnsafeRawBufferPointer) -> PusherAPIRequest {
        let end = message.firstIndex(of: UInt8(ascii: "\n")) ?? message.endIndex
        return PusherAPIRequest(
            method: "POST", path: path, query: String(decoding: message[..<end], as: UTF8.self),
            body: Array(message[end...].dropFirst()))
    }
}
