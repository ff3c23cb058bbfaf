/// What a peer did that ends a connection, with the close code that tells it so (RFC 6455 §7.1.7, §7.4.1).
///
/// This is the one error type of the frame and message layers. It carries no bytes of the peer's.
public struct ProtocolViolation: Error, Hashable, Sendable, CustomStringConvertible {
    private enum Kind: Hashable {
        case reservedBits, reservedOpcode, fragmentedControlFrame, controlFrameTooLong, maskExpected, maskUnexpected
        case lengthNotMinimal, lengthTooLarge
        case continuationWithoutStart, startInsideMessage
        case closePayloadTooShort, closeCodeInvalid, closeReasonInvalidUTF8
        case textInvalidUTF8, compressedDataInvalid
        case messageTooBig, tooManyFragments, tooManyControlFrames, rateExceeded, assemblyTimeout
    }

    private let kind: Kind

    private init(_ kind: Kind) { self.kind = kind }

    /// RSV1, RSV2 or RSV3 is set where no negotiated extension defines it (RFC 6455 §5.2, RFC 7692 §6.1).
    public static let reservedBits = ProtocolViolation(.reservedBits)
    /// Opcode 3–7 or 11–15 (RFC 6455 §5.2).
    public static let reservedOpcode = ProtocolViolation(.reservedOpcode)
    /// A control frame without FIN (RFC 6455 §5.5).
    public static let fragmentedControlFrame = ProtocolViolation(.fragmentedControlFrame)
    /// A control frame of more than 125 bytes (RFC 6455 §5.5).
    public static let controlFrameTooLong = ProtocolViolation(.controlFrameTooLong)
    /// A frame from a client that is not masked (RFC 6455 §5.1).
    public static let maskExpected = ProtocolViolation(.maskExpected)
    /// A frame from a server that is masked (RFC 6455 §5.1).
    public static let maskUnexpected = ProtocolViolation(.maskUnexpected)
    /// A payload length that is not in its shortest form (RFC 6455 §5.2).
    public static let lengthNotMinimal = ProtocolViolation(.lengthNotMinimal)
    /// A 64-bit length with its most significant bit set (RFC 6455 §5.2).
    public static let lengthTooLarge = ProtocolViolation(.lengthTooLarge)
    /// A continuation frame although no message is under way (RFC 6455 §5.4).
    public static let continuationWithoutStart = ProtocolViolation(.continuationWithoutStart)
    /// A new message between the fragments of another one (RFC 6455 §5.4).
    public static let startInsideMessage = ProtocolViolation(.startInsideMessage)
    /// A close frame with a payload of one byte (RFC 6455 §5.5.1).
    public static let closePayloadTooShort = ProtocolViolation(.closePayloadTooShort)
    /// A close code that must not be sent (RFC 6455 §7.4).
    public static let closeCodeInvalid = ProtocolViolation(.closeCodeInvalid)
    /// A close reason that is no UTF-8 (RFC 6455 §5.5.1).
    public static let closeReasonInvalidUTF8 = ProtocolViolation(.closeReasonInvalidUTF8)
    /// A text message that is no UTF-8 (RFC 6455 §8.1).
    public static let textInvalidUTF8 = ProtocolViolation(.textInvalidUTF8)
    /// A compressed message that does not inflate (RFC 7692 §7.2.2).
    public static let compressedDataInvalid = ProtocolViolation(.compressedDataInvalid)
    /// A message above the limit (RFC 6455 §10.4).
    public static let messageTooBig = ProtocolViolation(.messageTooBig)
    /// A message in more fragments than the limit, empty ones counted.
    public static let tooManyFragments = ProtocolViolation(.tooManyFragments)
    /// More control frames a second than the limit.
    public static let tooManyControlFrames = ProtocolViolation(.tooManyControlFrames)
    /// More messages or bytes a second than the limits, for so long that holding the peer back did not help.
    public static let rateExceeded = ProtocolViolation(.rateExceeded)
    /// A fragmented message that was not finished in time.
    public static let assemblyTimeout = ProtocolViolation(.assemblyTimeout)

    /// The code for the close frame that answers the violation.
    public var closeCode: CloseCode {
        switch kind {
        case .reservedBits, .reservedOpcode, .fragmentedControlFrame, .controlFrameTooLong, .maskExpected,
            .maskUnexpected, .lengthNotMinimal, .lengthTooLarge, .continuationWithoutStart, .startInsideMessage,
            .closePayloadTooShort, .closeCodeInvalid:
            return .protocolError
        case .closeReasonInvalidUTF8, .textInvalidUTF8, .compressedDataInvalid:
            return .invalidPayload
        case .messageTooBig:
            return .messageTooBig
        case .tooManyFragments, .tooManyControlFrames, .rateExceeded, .assemblyTimeout:
            return .policyViolation
        }
    }

    /// The violation in words; short enough for a close reason.
    public var description: String {
        switch kind {
        case .reservedBits: return "reserved bit set"
        case .reservedOpcode: return "reserved opcode"
        case .fragmentedControlFrame: return "fragmented control frame"
        case .controlFrameTooLong: return "control frame over 125 bytes"
        case .maskExpected: return "frame is not masked"
        case .maskUnexpected: return "frame is masked"
        case .lengthNotMinimal: return "length is not in its shortest form"
        case .lengthTooLarge: return "length of more than 63 bits"
        case .continuationWithoutStart: return "continuation without a message"
        case .startInsideMessage: return "new message inside a fragmented one"
        case .closePayloadTooShort: return "close payload of one byte"
        case .closeCodeInvalid: return "invalid close code"
        case .closeReasonInvalidUTF8: return "close reason is not UTF-8"
        case .textInvalidUTF8: return "text is not UTF-8"
        case .compressedDataInvalid: return "compressed data is invalid"
        case .messageTooBig: return "message too big"
        case .tooManyFragments: return "too many fragments"
        case .tooManyControlFrames: return "too many control frames"
        case .rateExceeded: return "too many messages or bytes for too long"
        case .assemblyTimeout: return "message was not finished in time"
        }
    }
}
