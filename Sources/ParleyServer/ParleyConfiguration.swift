public import RoomProtocol
public import WebSocketCompression
public import WebSocketCore
public import WebSocketNIO

/// What an operator chooses about a Parley server.
public struct ParleyConfiguration: Sendable {
    /// The address or host name to listen on. Default 127.0.0.1: this machine only.
    public var host = "127.0.0.1"
    /// The port to listen on; 0 picks a free one. Default 8080.
    public var port = 8080
    /// Whether the chat room and its page are served. Default yes.
    public var servesRoom = true
    /// The origins whose pages may connect, as `scheme://host[:port]`, besides the server's own page; empty for any.
    public var allowedOrigins: [String] = []
    /// How messages are compressed. Default off (RFC 7692 §8).
    public var compression = DeflateConfiguration(mode: .off)
    /// What a connection to the room may ask.
    public var roomLimits: ConnectionLimits
    /// What is accepted before the 101.
    public var http = HTTPLimits()
    /// Members of a room, and how a leave is told.
    public var room = RoomOptions()

    /// The defaults of the room: messages of 1 MiB, and four of them pending.
    public init() {
        roomLimits = ConnectionLimits()
        setMaximumMessage(bytes: 1024 * 1024)
    }

    /// Sets the largest message, with the fragments and the pending output that go with it.
    public mutating func setMaximumMessage(bytes: Int) {
        roomLimits.setMaximumMessage(bytes: bytes)
        roomLimits.maximumPendingBytes = bytes.multipliedReportingOverflow(by: 4).partialValue
        room.maximumSaidBytes = roomLimits.maximumPendingBytes
    }
}
