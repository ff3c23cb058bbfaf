/// Turns bytes into whole messages: frames, fragments, decompression and the UTF-8 of text (RFC 6455 §5.4, §6.2, §8.1).
///
/// A message that arrives whole is handed on where it lies, without a copy or an allocation; only one that comes in
/// pieces or compressed is assembled, in a buffer that exists no longer than the message takes to arrive.
public struct MessageReader {
    let rules: ConnectionRules
    private let decompression: Decompression?
    @usableFromInline var underWay: MessageUnderWay?

    /// A reader at the start of a connection.
    ///
    /// - Parameters:
    ///   - rules: role and limits; shared by the connections that have the same.
    ///   - decompressor: what permessage-deflate decodes with, when it was negotiated (RFC 7692).
    public init(rules: ConnectionRules, decompressor: (any MessageDecompressor)? = nil) {
        self.rules = rules
        decompression = decompressor.map { Decompression($0) }
    }

    /// One word in place of two for the connections that have none.
    private final class Decompression {
        let decompressor: any MessageDecompressor
        /// What it has made since that was last asked for, in bytes.
        var inflatedBytes = 0
        /// Nobody is going to be handed what it would make.
        var isDropping = false

        init(_ decompressor: any MessageDecompressor) { self.decompressor = decompressor }
    }

    /// A reader with rules of its own.
    public init(role: Role, limits: ConnectionLimits, decompressor: (any MessageDecompressor)? = nil) {
        self.init(rules: ConnectionRules(role: role, limits: limits), decompressor: decompressor)
    }

    /// Messages of this size and above, in bytes, are large: a session may need milliseconds for one. Connections that
    /// send them take turns.
    @inlinable public static var largeBytes: Int { 32 * 1024 }

    /// Whether messages may be compressed.
    var inflates: Bool { decompression != nil }

    /// Whether the next bytes may complete a large message, or become one.
    var isHeavy: Bool { inflates || assembledCount >= Self.largeBytes }

    /// Whether a message has begun and not ended.
    @inlinable public var isInsideMessage: Bool { underWay != nil }

    /// Memory of an unfinished message, in bytes.
    public var assembledBytes: Int { underWay.map { $0.bytes.capacity } ?? 0 }

    /// How much of an unfinished message is here, in bytes.
    var assembledCount: Int { underWay.map { $0.bytes.count } ?? 0 }

    /// Lets go of what has been assembled of a message that nobody is going to be handed, and inflates nothing more.
    func dropAssembled() {
        underWay?.bytes = []
        decompression?.isDropping = true
    }

    /// What compressed messages have become since the last call, in bytes: finished or not.
    func takeInflatedBytes() -> Int {
        guard let decompression else { return 0 }
        defer { decompression.inflatedBytes = 0 }
        return decompression.inflatedBytes
    }

    /// How far the message under way has come, for its deadline.
    var progress: MessageUnderWay.Progress? {
        get { underWay?.progress }
        nonmutating set { underWay?.progress = newValue }
    }

    /// Takes a message that lies there whole, in one uncompressed frame: see ``FrameParser``. `nil` says nothing.
    @inline(__always)
    mutating func nextWholeMessage(
        _ base: UnsafeRawPointer, count: Int, position: inout Int, output: UnsafeMutableRawPointer
    ) throws(ProtocolViolation) -> (kind: MessageKind, range: Range<Int>)? {
        guard underWay == nil,
            let message = FrameParser.nextWholeMessage(
                rules, base, count: count, position: &position, output: output)
        else { return nil }
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
        guard let base = input.baseAddress else { return .needsInput }
        if let whole = try nextWholeMessage(base, count: input.count, position: &position, output: output) {
            return .message(whole.kind, whole.range)
        }
        var parser = underWay?.parser ?? newParser
        while true {
            let event = try parser.next(input, position: &position, output: output)
            if parser.isInsideMessage {
                if let underWay { underWay.parser = parser } else { underWay = MessageUnderWay(parser) }
            }
            switch event {
            case .needsInput:
                return .needsInput
            case .data(let piece):
                let bytes = UnsafeRawBufferPointer(start: output + piece.range.lowerBound, count: piece.range.count)
                if piece.isWholeMessage, !piece.isCompressed {
                    // Of more than 64 KiB, or a header that was here before its payload.
                    underWay = nil
                    guard
                        piece.kind != .text || UTF8Validator.isText(output + piece.range.lowerBound, count: bytes.count)
                    else { throw .textInvalidUTF8 }
                    return .message(piece.kind, piece.range)
                }
                let message = underWay ?? MessageUnderWay(parser)
                try assemble(bytes, of: piece, into: message)
                if piece.endsMessage {
                    underWay = nil
                    return .assembledMessage(piece.kind, message.bytes)
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

    private var newParser: FrameParser {
        FrameParser(
            role: rules.role, maximumMessageBytes: rules.limits.maximumMessageBytes,
            maximumFragments: rules.limits.maximumFragments, acceptsCompression: decompression != nil)
    }

    private func assemble(
        _ bytes: UnsafeRawBufferPointer, of piece: FrameEvent.DataPiece, into message: MessageUnderWay
    ) throws(ProtocolViolation) {
        let maximumMessageBytes = rules.limits.maximumMessageBytes
        let before = message.bytes.count
        if piece.isCompressed, let decompression {
            guard !decompression.isDropping else { return }
            defer { decompression.inflatedBytes += message.bytes.count - before }
            try decompression.decompressor.decompress(
                bytes, isFinal: piece.endsMessage, maximumBytes: maximumMessageBytes, into: &message.bytes)
        } else {
            guard bytes.count <= maximumMessageBytes - before else { throw .messageTooBig }
            message.bytes.append(contentsOf: bytes)
        }
        guard piece.kind == .text else { return }
        // RFC 6455 §8.1, checked as the bytes arrive, so that a wrong byte ends the connection at once.
        let isValid = message.bytes.withUnsafeBytes { whole in
            message.text.validate(UnsafeRawBufferPointer(rebasing: whole[before...]))
        }
        guard isValid, !piece.endsMessage || message.text.isAtBoundary else { throw .textInvalidUTF8 }
    }
}

@available(*, unavailable)
extension MessageReader: Sendable {}
