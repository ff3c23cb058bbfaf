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

    /// Encodes a text message.
    public convenience init(text: String) { self.init(.text, text.utf8) }

    /// The payload without the header.
    public var payload: ArraySlice<UInt8> { bytes[headerBytes...] }
}
