/// One message, encoded once as a server's frame and shared by reference between connections and threads.
///
/// Immutable. Fan-out queues a reference to it on each connection, so that a publication is encoded once, however many
/// read it. It has the form a server sends: one frame, FIN set, no mask (RFC 6455 §5.1).
public final class SharedFrame: Sendable {
    /// Whether the message is text or binary.
    public let kind: MessageKind
    /// The whole frame: header, then payload.
    public let bytes: [UInt8]
    /// How many bytes of ``bytes`` the header takes: 2, 4 or 10.
    public let headerBytes: Int

    /// Encodes `payload`; text must be UTF-8, which is the caller's promise.
    ///
    /// - Parameter isCompressed: whether the payload is what permessage-deflate has made of the message (RFC 7692 §6).
    @inlinable  // bytes that go one by one through an unknown Collection cost many times as much
    public init(_ kind: MessageKind, _ payload: some Collection<UInt8>, isCompressed: Bool = false) {
        let count = payload.count
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 10)
        FrameHeader.append(isCompressed: isCompressed, opcode: kind.opcode, payloadLength: count, to: &bytes)
        headerBytes = bytes.count
        bytes.append(contentsOf: payload)
        self.kind = kind
        self.bytes = bytes
    }

    /// Makes a frame of bytes that have room for its header in front of the payload; they are not copied. Text must be
    /// UTF-8, which is the caller's promise.
    ///
    /// - Parameter bytes: ``headerRoom`` bytes of any value, then the payload.
    public convenience init(_ kind: MessageKind, behindHeaderRoom bytes: consuming [UInt8]) {
        let length = max(0, bytes.count - Self.headerRoom)
        let header = FrameHeader(opcode: kind.opcode, payloadLength: length)
        let headerBytes = length < 126 ? 2 : length < 65_536 ? 4 : 10
        // The room is right for most messages; the others are moved.
        if headerBytes < Self.headerRoom { bytes.removeFirst(min(bytes.count, Self.headerRoom - headerBytes)) }
        if headerBytes > Self.headerRoom {
            bytes.insert(contentsOf: repeatElement(0, count: headerBytes - Self.headerRoom), at: 0)
        }
        if bytes.withUnsafeMutableBytes({ header.write(to: $0) }) == headerBytes {
            self.init(kind, frame: bytes, headerBytes: headerBytes)
        } else {
            self.init(kind, bytes.dropFirst(headerBytes))  // too few bytes for a header to be written in place
        }
    }

    private init(_ kind: MessageKind, frame bytes: consuming [UInt8], headerBytes: Int) {
        self.kind = kind
        self.bytes = bytes
        self.headerBytes = headerBytes
    }

    /// Room for the header of a payload of 126 to 65,535 bytes, see ``init(_:behindHeaderRoom:)``.
    public static let headerRoom = 4

    /// Encodes a text message.
    public convenience init(text: String) { self.init(.text, text.utf8) }

    /// The payload without the header.
    public var payload: ArraySlice<UInt8> { bytes[headerBytes...] }
}
