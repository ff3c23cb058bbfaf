public import Reactor
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
    /// Who carries connections after their opening handshake. Default the reactor on Linux, SwiftNIO elsewhere.
    public var carrier = CarrierKind.auto
    /// Threads of the reactor; by default one for each processor.
    public var loops: Int?
    /// What a connection to the room may ask.
    public var roomLimits: ConnectionLimits
    /// How many connections are accepted: in all, of one address, and a second.
    public var accept = AcceptLimits()
    /// Memory of the node for what waits to be written to slow readers, in bytes. Default 256 MiB.
    public var outputBudget = 256 * 1024 * 1024
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
