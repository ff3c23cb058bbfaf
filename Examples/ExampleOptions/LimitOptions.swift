public import ArgumentParser
public import WebSocketCompression
public import WebSocketCore

/// The limits that both examples take on the command line.
public struct LimitOptions: ParsableArguments {
    @Option(help: "Largest message in bytes, after decompression; more is answered with 1009.")
    var maxMessage: Limit = .number(64 * 1024)

    @Option(help: "Fragments of a message, empty ones counted; more is answered with 1008.")
    var maxFragments: Limit?

    @Option(
        help:
            "Messages a second of a connection, and control frames: above it the socket is not read for a moment. A number or 'unlimited'."
    )
    var maxRate: Limit = .unlimited

    @Option(help: "Bytes that may wait for a slow reader; more is answered with 1013.")
    var maxPending: Limit = .number(1024 * 1024)

    /// How messages are compressed.
    @Option(help: "permessage-deflate: off, shared (no context takeover) or dedicated (a window per connection).")
    public var compression: CompressionMode = .off

    /// For the parser.
    public init() {}

    /// The limits of a connection.
    public var limits: ConnectionLimits {
        var limits = ConnectionLimits()
        limits.setMaximumMessage(bytes: maxMessage.value ?? .max)
        if let maxFragments { limits.maximumFragments = maxFragments.value ?? .max }
        limits.messagesPerSecond = maxRate.value.map { UInt32(clamping: $0) }
        limits.controlFramesPerSecond = maxRate.value.map { UInt32(clamping: $0) }
        limits.maximumPendingBytes = maxPending.value ?? .max
        return limits
    }
}

extension CompressionMode: ExpressibleByArgument {}
