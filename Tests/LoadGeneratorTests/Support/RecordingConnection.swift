import WebSocketCore

/// Keeps what is sent on it.
final class RecordingConnection: WebSocketConnection {
    private(set) var messages: [(kind: MessageKind, bytes: [UInt8])] = []

    override init() { super.init() }

    override func send(_ kind: MessageKind, _ payload: RawSpan) {
        messages.append((kind, payload.withUnsafeBytes { [UInt8]($0) }))
    }
}
