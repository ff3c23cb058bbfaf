/// What one connection may ask of this side, and the times after which it is given up.
///
/// All times are in milliseconds. The defaults are those of a server that faces the internet.
public struct ConnectionLimits: Hashable, Sendable {
    /// The largest message in bytes, after decompression; more is answered with 1009. Default 64 KiB.
    public var maximumMessageBytes = 64 * 1024
    /// Frames a message may have, empty ones counted; more is answered with 1008. Default 64.
    public var maximumFragments = 64
    /// Control frames a second, sustained, with a burst of twice as many; `nil` for any number. Default 10.
    public var controlFramesPerSecond: UInt32? = 10
    /// Messages a second, sustained, with a burst of twice as many; `nil` for any number. Default 50. Nothing is
    /// dropped: above the rate the socket is not read, for a second at most at a time, see ``maximumHoldTime``.
    public var messagesPerSecond: UInt32? = 50
    /// Bytes a second that the peer may send, sustained, with a burst of one largest message; `nil` for any number.
    /// Default `nil`. Above it the socket is not read, as above ``messagesPerSecond``. A compressed message counts with
    /// its length after decompression, too.
    public var bytesPerSecond: UInt32?
    /// Milliseconds of the last minute in which the socket of a peer that sends too fast may be left unread; a peer that
    /// needs more is closed with 1008, see ``WebSocketSession/rateExceeded()``. Default 30,000.
    public var maximumHoldTime: UInt64 = 30_000
    /// Bytes that may wait to be written before the reader counts as too slow and is closed with ``slowReaderCode``.
    /// Default 1 MiB.
    /// A single message may be larger; what counts is what waited before it.
    public var maximumPendingBytes = 1024 * 1024
    /// Soft limit on pending bytes; ``softPendingTime`` says for how long it may be exceeded. It does not count 64 KiB or
    /// more that were queued at once and are being sent. Default 256 KiB.
    public var softPendingBytes = 256 * 1024
    /// How long more than ``softPendingBytes`` may wait before the reader counts as too slow. Default 10,000.
    public var softPendingTime: UInt64 = 10_000
    /// Maximum age of the oldest pending byte, however few bytes are pending. Enforced to within 1 s or 10 %, whichever is
    /// larger. 64 KiB or more that were queued at once, and everything behind them, may take longer while the reader takes
    /// 64 KiB within this time and the node's ``OutputBudget`` is not tight. Default 10,000.
    public var maximumPendingAge: UInt64 = 10_000
    /// How long a message that is under way may stand still; and how long it may take in all, with one second more for
    /// each KiB that has arrived. Default 30,000.
    public var assemblyTimeout: UInt64 = 30_000
    /// Silence after which a ping is sent. Default 25,000.
    public var pingInterval: UInt64 = 25_000
    /// Whether a ping is sent after ``pingInterval`` without a data frame, and not without any byte; a pong that answers
    /// it counts as life. Default `false`. See also ``WebSocketConnection/requireMessagesAsLife()``.
    public var pingsWithoutData = false
    /// Silence after a ping after which the connection is given up. Default 10,000.
    public var pongTimeout: UInt64 = 10_000
    /// The code of the close frame for a peer that is given up because it is silent; `nil` to end the transport without
    /// one, which is the default: nobody seems to be there to read it.
    public var pongTimeoutCode: CloseCode?
    /// The code of the close frame for a reader that is too slow. Default 1013.
    public var slowReaderCode = CloseCode.tryAgainLater
    /// The code that the peer is told when the server stops, instead of the one for everybody; such connections are
    /// closed one after the other, a thousand a second on each loop or as many as the time allows, so that they do not
    /// all come back at once. Default `nil`.
    public var stopCode: CloseCode?
    /// How long the answer to our close frame may take. Default 5,000.
    public var closeTimeout: UInt64 = 5_000
    /// How long the peer may take to end the transport after the closing handshake, and how long what is queued may take
    /// to leave when the peer has ended its own side. Default 1,000.
    public var lingerTimeout: UInt64 = 1_000

    /// The defaults.
    public init() {}

    /// Raises the message limit, and with it the fragments: one for each KiB, 64 at least.
    ///
    /// Browsers cut large messages into frames of about 128 KiB, other clients into smaller ones.
    public mutating func setMaximumMessage(bytes: Int) {
        maximumMessageBytes = bytes
        maximumFragments = max(64, bytes / 1024)
    }
}
