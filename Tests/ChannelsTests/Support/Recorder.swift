import Channels
import WebSocketCore

/// A subscriber that writes down what it gets.
final class Recorder: Subscriber {
    private(set) var frames: [SharedFrame] = []
    var texts: [String] { frames.map { String(decoding: $0.payload, as: UTF8.self) } }
    /// Called after each delivery.
    var afterDelivery: (() -> Void)?
    /// The connection's name.
    var connection: ConnectionID?
    /// Whether it takes more.
    var takesMore = true
    private(set) var starts: [SubscriptionStart] = []
    /// How many frames had come when each subscription started.
    private(set) var framesBeforeStart: [Int] = []
    private(set) var refusals: [EngineError] = []
    private(set) var mustRecoverCount = 0

    override var connectionID: ConnectionID? { connection }
    override var isWritable: Bool { takesMore }

    override func deliver(_ frame: SharedFrame) {
        frames.append(frame)
        afterDelivery?()
    }

    override func started(_ channel: ChannelName, _ start: SubscriptionStart) {
        starts.append(start)
        framesBeforeStart.append(frames.count)
    }

    override func refused(_ channel: ChannelName, _ error: EngineError) { refusals.append(error) }

    override func mustRecover(_ channel: ChannelName) { mustRecoverCount += 1 }

    /// What came since the last call.
    func take() -> [String] {
        defer { frames = [] }
        return texts
    }
}
