import WebSocketCore
import WebSocketNIO

extension ConnectionLimits {
    /// Room for large messages and any number of them, and any time for them.
    static var wide: ConnectionLimits {
        var limits = ConnectionLimits()
        limits.setMaximumMessage(bytes: 8 * 1024 * 1024)
        limits.maximumPendingBytes = 32 * 1024 * 1024
        limits.softPendingTime = .max
        limits.maximumPendingAge = .max
        limits.messagesPerSecond = nil
        limits.controlFramesPerSecond = nil
        return limits
    }
}

extension WebSocketClientConfiguration {
    static var wide: WebSocketClientConfiguration {
        var configuration = WebSocketClientConfiguration()
        configuration.limits = .wide
        return configuration
    }
}
