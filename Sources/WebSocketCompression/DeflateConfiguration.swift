/// How an endpoint compresses: the mode, what zlib is given, and the windows that it asks for.
///
/// Values out of range are moved to the nearest end of the range.
public struct DeflateConfiguration: Hashable, Sendable {
    /// Default: ``CompressionMode/off``.
    public let mode: CompressionMode
    /// zlib's compression level, 0...9; default 3.
    ///
    /// With context takeover, level 3 makes chat messages about a tenth smaller than level 1 for little more time on
    /// short ones; level 6 takes off a little more than that again, but costs several times the time on long ones.
    /// Without context takeover the levels hardly differ on short messages.
    public let level: Int
    /// zlib's `memLevel`, 1...9; default 8, as in zlib.
    ///
    /// One less halves the hash table and the symbol buffer, which are half of a compressor's memory, but a smaller
    /// table finds fewer repetitions.
    public let memoryLevel: Int
    /// The largest window that the server shall use to send, 9...15; default 15.
    ///
    /// A server says a smaller one in its response; a client asks for it in its offer.
    public let serverMaxWindowBits: Int
    /// The largest window that the client shall use to send, 9...15; default 15.
    ///
    /// A server can only ask it of clients that offer `client_max_window_bits` (RFC 7692 §7.1.2.2); browsers do.
    public let clientMaxWindowBits: Int

    /// Without arguments: off.
    public init(
        mode: CompressionMode = .off, level: Int = 3, memoryLevel: Int = 8,
        serverMaxWindowBits: Int = 15, clientMaxWindowBits: Int = 15
    ) {
        self.mode = mode
        self.level = min(max(level, 0), 9)
        self.memoryLevel = min(max(memoryLevel, 1), 9)
        self.serverMaxWindowBits = min(max(serverMaxWindowBits, 9), 15)
        self.clientMaxWindowBits = min(max(clientMaxWindowBits, 9), 15)
    }
}
