import NIOCore
import NIOEmbedded

/// The kernel's place under an embedded channel: notes each write, flush and close.
///
/// Like a socket it completes writes when they are flushed, or holds them as long as it is blocked.
final class Wire: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer

    private(set) var buffers: [ByteBuffer] = []
    private(set) var flushes = 0
    private(set) var outputEnds = 0
    private(set) var hasClosed = false
    private(set) var reads = 0
    var isBlocked = false
    private var promises: [EventLoopPromise<Void>] = []

    var writes: Int { buffers.count }
    var bytes: [UInt8] { buffers.flatMap { $0.readableBytesView } }
    var frames: [WireFrame] { WireFrame.all(bytes) }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let buffer = unwrapOutboundIn(data)
        if buffer.readableBytes > 0 { buffers.append(buffer) }
        if let promise { promises.append(promise) }
    }

    func flush(context: ChannelHandlerContext) {
        flushes += 1
        if !isBlocked { complete() }
    }

    func complete() {
        let done = promises
        promises = []
        for promise in done { promise.succeed() }
    }

    func read(context: ChannelHandlerContext) {
        reads += 1
        context.read()
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .all else {
            outputEnds += 1
            promise?.succeed()
            return
        }
        hasClosed = true
        context.close(mode: mode, promise: promise)
    }

    /// Forgets what was noted.
    func clear() {
        buffers = []
        flushes = 0
    }
}
