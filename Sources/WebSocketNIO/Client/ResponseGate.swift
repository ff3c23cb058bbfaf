import NIOCore

/// Stands between the socket and the HTTP decoder of a client: lets the head of one answer through, within 16 KiB.
///
/// What follows is the first data of the WebSocket connection. Confined to its loop's thread.
final class ResponseGate: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private static let maximumHeadBytes = 16 * 1024

    private var held: ByteBuffer?
    private var headIsThrough = false
    private var scanned = 0
    /// Whether the server has ended its side; whoever comes after the upgrade has to be told.
    private(set) var inputHasEnded = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if held == nil { held = bytes } else { held?.writeBuffer(&bytes) }
        while !headIsThrough, let view = held?.readableBytesView {
            guard view.prefix(5).elementsEqual("HTTP/".utf8.prefix(view.count)) else {
                return context.fireErrorCaught(WebSocketError.responseInvalid)
            }
            guard let count = headLength(view) else {
                scanned = view.count
                if scanned > Self.maximumHeadBytes { context.fireErrorCaught(WebSocketError.responseTooLong) }
                return
            }
            scanned = 0
            // RFC 9110 §15.2: a 1xx is not the answer yet, but for 101, which is.
            headIsThrough =
                view.dropFirst(8).first != 0x20 || !view.dropFirst(9).starts(with: "1".utf8)
                || view.dropFirst(9).starts(with: "101".utf8)
            if let head = held?.readSlice(length: count), headIsThrough {
                context.fireChannelRead(wrapInboundOut(head))
            }
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed { inputHasEnded = true }
        context.fireUserInboundEventTriggered(event)
    }

    private func headLength(_ view: ByteBufferView) -> Int? {
        var index = view.startIndex + max(0, scanned - 3)
        while index + 4 <= view.endIndex, index - view.startIndex < Self.maximumHeadBytes {
            if view[index] == 0x0D, view[index + 1] == 0x0A, view[index + 2] == 0x0D, view[index + 3] == 0x0A {
                return index + 4 - view.startIndex
            }
            index += 1
        }
        return nil
    }

    /// What had arrived behind the head.
    func takeHeld() -> ByteBuffer? {
        defer { held = nil }
        return held.flatMap { $0.readableBytes > 0 ? $0 : nil }
    }
}

@available(*, unavailable)
extension ResponseGate: Sendable {}
