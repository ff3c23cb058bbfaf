/// Turns bytes into whole messages: frames, fragments, decompression and the UTF-8 of text (RFC 6455 §5.4, §6.2, §8.1).
///
/// A message that arrives whole is handed on where it lies, without a copy or an allocation; only one that comes in
/// pieces or compressed is assembled, in a buffer that exists no longer than the message takes to arrive.
public struct MessageReader {
    private var parser: FrameParser
    private let decompressor: (any MessageDecompressor)?
    private var assembly: [UInt8] = []
    private var text = UTF8Validator()
    private let maximumMessageBytes: Int

    /// A reader at the start of a connection.
    ///
    /// - Parameter decompressor: what permessage-deflate decodes with, when it was negotiated (RFC 7692).
    public init(role: Role, limits: ConnectionLimits, decompressor: (any MessageDecompressor)? = nil) {
        self.parser = FrameParser(
            role: role, maximumMessageBytes: limits.maximumMessageBytes, maximumFragments: limits.maximumFragments,
            acceptsCompression: decompressor != nil)
        self.decompressor = decompressor
        self.maximumMessageBytes = limits.maximumMessageBytes
    }

    /// Whether a message has begun and not ended.
    public var isInsideMessage: Bool { parser.isInsideMessage }

    /// How many bytes of an unfinished message are held.
    public var assembledBytes: Int { assembly.count }

    /// Takes a message that lies there whole, in one uncompressed frame: see ``FrameParser``. `nil` says nothing.
    @inline(__always)
    mutating func nextWholeMessage(
        _ base: UnsafeRawPointer, count: Int, position: inout Int, output: UnsafeMutableRawPointer
    ) throws(ProtocolViolation) -> (kind: MessageKind, range: Range<Int>)? {
        guard let message = parser.nextWholeMessage(base, count: count, position: &position, output: output) else {
            return nil
        }
        if message.kind == .text {
            let count = message.range.upperBound &- message.range.lowerBound
            guard UTF8Validator.isText(output + message.range.lowerBound, count: count) else { throw .textInvalidUTF8 }
        }
        return message
    }

    /// Finds the next event at or after `position`; parameters and errors as ``FrameParser/next(_:position:output:)``.
    public mutating func next(
        _ input: UnsafeRawBufferPointer, position: inout Int, output: UnsafeMutableRawPointer
    ) throws(ProtocolViolation) -> MessageEvent {
        while true {
            switch try parser.next(input, position: &position, output: output) {
            case .needsInput:
                return .needsInput
            case .data(let piece):
                let bytes = UnsafeRawBufferPointer(start: output + piece.range.lowerBound, count: piece.range.count)
                if piece.isWholeMessage, !piece.isCompressed {
                    if piece.kind == .text {
                        guard text.validate(bytes), text.isAtBoundary else { throw .textInvalidUTF8 }
                    }
                    return .message(piece.kind, piece.range)
                }
                try assemble(bytes, of: piece)
                if piece.endsMessage {
                    var message: [UInt8] = []
                    swap(&message, &assembly)
                    return .assembledMessage(piece.kind, message)
                }
            case .control(.ping, let payload):
                return .ping(payload)
            case .control(.pong, let payload):
                return .pong(payload)
            case .control(_, let payload):
                let bytes = UnsafeRawBufferPointer(start: output + payload.lowerBound, count: payload.count)
                return .close(try CloseFrame(payload: bytes))
            }
        }
    }

    private mutating func assemble(
        _ bytes: UnsafeRawBufferPointer, of piece: FrameEvent.DataPiece
    ) throws(ProtocolViolation) {
        let before = assembly.count
        if piece.isCompressed, let decompressor {
            try decompressor.decompress(
                bytes, isFinal: piece.endsMessage, maximumBytes: maximumMessageBytes, into: &assembly)
        } else {
            guard bytes.count <= maximumMessageBytes - before else { throw .messageTooBig }
            assembly.append(contentsOf: bytes)
        }
        guard piece.kind == .text else { return }
        // RFC 6455 §8.1, checked as the bytes arrive, so that a wrong byte ends the connection at once.
        let isValid = assembly.withUnsafeBytes { whole in
            text.validate(UnsafeRawBufferPointer(rebasing: whole[before...]))
        }
        guard isValid, !piece.endsMessage || text.isAtBoundary else { throw .textInvalidUTF8 }
    }
}
