import WebSocketCore
import WebSocketNIO

extension WebSocketMessage {
    init(_ kind: MessageKind, _ payload: RawSpan) {
        self = payload.withUnsafeBytes {
            kind == .text ? .text(String(decoding: $0, as: UTF8.self)) : .binary(Array($0))
        }
    }
}
