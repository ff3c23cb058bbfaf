import NIOCore
import WebSocketCore

/// An event loop of SwiftNIO's, as the sessions of its connections see it.
final class NIOWebSocketLoop: WebSocketLoop {
    let locals = LoopLocals()
    private let eventLoop: any EventLoop
    /// On the loop's thread.
    nonisolated(unsafe) private(set) var holdsLargeMessages = false

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    func execute(_ task: @escaping @Sendable () -> Void) { eventLoop.execute(task) }

    /// SwiftNIO writes at the end of each task.
    var isCrowded: Bool { false }
    /// On the loop's thread.
    nonisolated(unsafe) var isWritingLargeMessages = false

    func holdLargeMessages(_ isOn: Bool) { holdsLargeMessages = isOn }

    func executeAfterInput(_ task: @escaping @Sendable () -> Void) {
        // SwiftNIO runs what is due before it looks at its sockets, whatever that asks for in turn. So behind what this
        // turn has asked for already, writing above all, and then not at once.
        eventLoop.execute { [eventLoop] in eventLoop.scheduleTask(in: .microseconds(50), task) }
    }
}
