import WebSocketCore

/// A connection on a NIO channel, as its session sees it.
final class NIOWebSocketConnection: WebSocketConnection {
    private weak var handler: FrameHandler?

    init(_ handler: FrameHandler) {
        self.handler = handler
        super.init()
    }

    func detach() { handler = nil }

    override func send(_ kind: MessageKind, _ payload: RawSpan) {
        payload.withUnsafeBytes { handler?.send(kind, $0) }
    }

    override func send(_ frame: SharedFrame) { handler?.send(frame) }

    override func close(_ code: CloseCode, reason: String) { handler?.close(CloseFrame(code: code, reason: reason)) }

    override var pendingBytes: Int { handler?.pendingBytes ?? 0 }

    override var isWritable: Bool { handler?.isWritable ?? false }

    override func setReading(_ isReading: Bool) { handler?.setReading(isReading) }
}
