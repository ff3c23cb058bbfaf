/// Reads frames from bytes (RFC 6455 §5.2) and holds the rules that stand between frames (§5.4, §5.5).
///
/// The parser buffers nothing. Payloads of data frames are handed on as they arrive, unmasked; a header or a control
/// frame that is incomplete is left unconsumed (at most 139 bytes), and the caller shows it again with what follows.
///
/// Dimensions of the state: a data frame is under way or not (`payloadLeft`), a message is under way or not
/// (`message`). A violation is final: the caller stops calling.
public struct FrameParser: Sendable {
    private let role: Role
    private let acceptsCompression: Bool
    private var frameIsFinal = true
    private var messageIsCompressed = false
    private var message: MessageKind?
    private var key: UInt32 = 0
    private var fragments: UInt32 = 0
    private let maximumFragments: UInt32
    private var payloadLeft = 0
    private var messageBytes = 0
    private let maximumMessageBytes: Int
    private let maximumCompressedBytes: Int

    /// A parser at the start of a connection.
    ///
    /// - Parameters:
    ///   - role: whose input this is; a server demands masks, a client refuses them (RFC 6455 §5.1).
    ///   - maximumMessageBytes: payload bytes a message may have, over all of its frames; a compressed one a little
    ///     more, because data that does not compress grows.
    ///   - maximumFragments: frames a message may have, empty ones counted.
    ///   - acceptsCompression: whether permessage-deflate was negotiated, so that RSV1 has a meaning.
    public init(role: Role, maximumMessageBytes: Int, maximumFragments: Int, acceptsCompression: Bool) {
        self.role = role
        self.acceptsCompression = acceptsCompression
        self.maximumFragments = UInt32(clamping: maximumFragments)
        // Data that does not compress grows by 5 bytes a stored block; the limit proper is on what comes out.
        let (sum, overflow) = maximumMessageBytes.addingReportingOverflow(maximumMessageBytes / 256 + 64)
        self.maximumMessageBytes = maximumMessageBytes
        self.maximumCompressedBytes = overflow ? maximumMessageBytes : sum
    }

    /// Whether a message has begun and not ended, or a frame of it is incomplete.
    public var isInsideMessage: Bool { message != nil }

    /// The usual frame: a message of its own, uncompressed, which lies there whole.
    struct WholeFrame {
        let kind: MessageKind
        /// Where the payload begins, and its length.
        let start: Int
        let count: Int
        /// 0 for a frame without a mask.
        let key: UInt32
    }

    /// Looks whether the usual frame begins at `position`, between messages; `nil` when anything is different, right or
    /// wrong: ``next(_:position:output:)`` tells what it is.
    @inline(__always)
    static func wholeFrame(
        _ rules: ConnectionRules, _ base: UnsafeRawPointer, count: Int, position: Int
    ) -> WholeFrame? {
        let available = count &- position
        guard available >= 2 else { return nil }
        let first = base.load(fromByteOffset: position, as: UInt8.self)
        // FIN and the opcode of text or binary, no reserved bit.
        guard first == 0x81 || first == 0x82 else { return nil }
        let second = base.load(fromByteOffset: position &+ 1, as: UInt8.self)
        guard second >> 7 == (rules.role == .server ? 1 : 0) else { return nil }
        var length = Int(second & 0x7F)
        var start = position &+ 2
        if length > 125 {
            guard length == 126, available >= 4 else { return nil }
            length = Int(UInt16(bigEndian: base.loadUnaligned(fromByteOffset: start, as: UInt16.self)))
            guard length > 125 else { return nil }
            start &+= 2
        }
        guard length <= rules.maximumWholeMessage else { return nil }
        let keyBytes = Int(second >> 7) &<< 2
        guard count &- start >= length &+ keyBytes else { return nil }
        var key: UInt32 = 0
        if keyBytes > 0 { key = UInt32(littleEndian: base.loadUnaligned(fromByteOffset: start, as: UInt32.self)) }
        start &+= keyBytes
        return WholeFrame(kind: first == 0x81 ? .text : .binary, start: start, count: length, key: key)
    }

    /// Takes the usual frame the short way, see ``wholeFrame(_:_:count:position:)``, and unmasks it.
    ///
    /// Parameters as ``next(_:position:output:)``, `base` and `count` being the input. Nothing is consumed when it
    /// answers `nil`.
    @inline(__always)
    static func nextWholeMessage(
        _ rules: ConnectionRules, _ base: UnsafeRawPointer, count: Int, position: inout Int,
        output: UnsafeMutableRawPointer
    ) -> (kind: MessageKind, range: Range<Int>)? {
        guard let frame = wholeFrame(rules, base, count: count, position: position) else { return nil }
        if rules.role == .server {
            Masking.apply(frame.key, from: base + frame.start, to: output + frame.start, count: frame.count)
        } else if output != UnsafeMutableRawPointer(mutating: base) {
            (output + frame.start).copyMemory(from: base + frame.start, byteCount: frame.count)
        }
        position = frame.start &+ frame.count
        return (frame.kind, Range(uncheckedBounds: (frame.start, position)))
    }

    /// Finds the next event at or after `position`.
    ///
    /// - Parameters:
    ///   - input: the bytes read; only those from `position` on are looked at.
    ///   - position: moves past what was consumed.
    ///   - output: where payloads go, byte `i` of `input` to byte `i` of `output`; as long as `input`, and the same
    ///     memory or one that does not overlap with it.
    /// - Throws: the rule that the peer broke; nothing may be read after that.
    public mutating func next(
        _ input: UnsafeRawBufferPointer, position: inout Int, output: UnsafeMutableRawPointer
    ) throws(ProtocolViolation) -> FrameEvent {
        guard let base = input.baseAddress else { return .needsInput }
        if payloadLeft > 0, let kind = message {
            return takePayload(
                kind, base, available: input.count - position, position: &position, output: output, startsMessage: false
            )
        }

        let available = input.count - position
        guard available >= 2 else { return .needsInput }
        let first = base.load(fromByteOffset: position, as: UInt8.self)
        let second = base.load(fromByteOffset: position + 1, as: UInt8.self)
        // RFC 6455 §5.2: RSV2 and RSV3 have no meaning in any extension known here.
        guard first & 0x30 == 0 else { throw .reservedBits }
        guard let opcode = Opcode(rawValue: first & 0x0F) else { throw .reservedOpcode }
        let isFinal = first & 0x80 != 0
        let isCompressed = first & 0x40 != 0
        let isMasked = second & 0x80 != 0
        // RFC 6455 §5.1: a client masks all frames, a server none.
        guard isMasked == (role == .server) else { throw role == .server ? .maskExpected : .maskUnexpected }
        let shortLength = Int(second & 0x7F)

        if opcode.isControl {
            // RFC 6455 §5.5; RFC 7692 §6.1 forbids RSV1 on control frames.
            guard !isCompressed else { throw .reservedBits }
            guard isFinal else { throw .fragmentedControlFrame }
            guard shortLength <= 125 else { throw .controlFrameTooLong }
            let headerBytes = isMasked ? 6 : 2
            guard available >= headerBytes + shortLength else { return .needsInput }
            let start = position + headerBytes
            if isMasked {
                let key = UInt32(littleEndian: base.loadUnaligned(fromByteOffset: position + 2, as: UInt32.self))
                Masking.apply(key, from: base + start, to: output + start, count: shortLength)
            } else if output != UnsafeMutableRawPointer(mutating: base) {
                (output + start).copyMemory(from: base + start, byteCount: shortLength)
            }
            position = start + shortLength
            return .control(opcode, start..<position)
        }

        let kind: MessageKind
        let startsMessage: Bool
        if opcode == .continuation {
            guard let underWay = message else { throw .continuationWithoutStart }
            guard !isCompressed else { throw .reservedBits }  // RFC 7692 §6.1: only on the first fragment
            kind = underWay
            startsMessage = false
        } else {
            guard message == nil else { throw .startInsideMessage }
            guard !isCompressed || acceptsCompression else { throw .reservedBits }
            kind = opcode == .text ? .text : .binary
            startsMessage = true
        }

        var headerBytes = 2
        var length = shortLength
        if shortLength == 126 {
            guard available >= 4 else { return .needsInput }
            length = Int(UInt16(bigEndian: base.loadUnaligned(fromByteOffset: position + 2, as: UInt16.self)))
            guard length > 125 else { throw .lengthNotMinimal }
            headerBytes = 4
        } else if shortLength == 127 {
            guard available >= 10 else { return .needsInput }
            let wide = UInt64(bigEndian: base.loadUnaligned(fromByteOffset: position + 2, as: UInt64.self))
            guard let whole = Int(exactly: wide) else { throw .lengthTooLarge }
            guard whole > 0xFFFF else { throw .lengthNotMinimal }
            length = whole
            headerBytes = 10
        }
        // Refused at the header, before one byte of the payload is kept.
        let bytesBefore = startsMessage ? 0 : messageBytes
        let limit = (startsMessage ? isCompressed : messageIsCompressed) ? maximumCompressedBytes : maximumMessageBytes
        guard length <= limit &- bytesBefore else { throw .messageTooBig }
        let fragment = startsMessage ? 1 : fragments &+ 1
        guard fragment <= maximumFragments else { throw .tooManyFragments }

        if isMasked {
            guard available >= headerBytes + 4 else { return .needsInput }
            key = UInt32(littleEndian: base.loadUnaligned(fromByteOffset: position + headerBytes, as: UInt32.self))
            headerBytes += 4
        }
        fragments = fragment
        messageBytes = bytesBefore &+ length
        if startsMessage { messageIsCompressed = isCompressed }
        message = kind
        frameIsFinal = isFinal
        payloadLeft = length
        position += headerBytes
        if length > 0, available == headerBytes { return .needsInput }
        return takePayload(
            kind, base, available: available - headerBytes, position: &position, output: output,
            startsMessage: startsMessage)
    }

    /// Hands on what is there of the current frame's payload.
    @inline(__always)
    private mutating func takePayload(
        _ kind: MessageKind, _ base: UnsafeRawPointer, available: Int, position: inout Int,
        output: UnsafeMutableRawPointer, startsMessage: Bool
    ) -> FrameEvent {
        let count = min(available, payloadLeft)
        guard count > 0 || payloadLeft == 0 else { return .needsInput }
        if role == .server {
            key = Masking.apply(key, from: base + position, to: output + position, count: count)
        } else if output != UnsafeMutableRawPointer(mutating: base) {
            (output + position).copyMemory(from: base + position, byteCount: count)
        }
        let range = position..<position + count
        position += count
        payloadLeft -= count
        let endsMessage = frameIsFinal && payloadLeft == 0
        if endsMessage { message = nil }
        return .data(
            FrameEvent.DataPiece(
                kind: kind, range: range, isWholeMessage: startsMessage && endsMessage, endsMessage: endsMessage,
                isCompressed: messageIsCompressed))
    }
}
