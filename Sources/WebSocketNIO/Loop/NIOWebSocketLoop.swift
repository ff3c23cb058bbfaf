import NIOCore
import WebSocketCore

/// An event loop of SwiftNIO's, as the sessions of its connections see it.
final class NIOWebSocketLoop: WebSocketLoop {
    let locals = LoopLocals()
    private let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    func execute(_ task: @escaping @Sendable () -> Void) { eventLoop.execute(task) }
}
