import Channels
import WebSocketCore

/// A subscriber that writes down what it gets.
final class Recorder: Subscriber {
    private(set) var frames: [SharedFrame] = []
    var texts: [String] { frames.map { String(decoding: $0.payload, as: UTF8.self) } }
    /// Called after each delivery.
    var afterDelivery: (() -> Void)?

    override func deliver(_ frame: SharedFrame) {
        frames.append(frame)
        afterDelivery?()
    }

    /// What came since the last call.
    func take() -> [String] {
        defer { frames = [] }
        return texts
    }
}
