/// The content of a close frame (RFC 6455 §5.5.1): a code and a reason, or neither.
public struct CloseFrame: Hashable, Sendable {
    /// The longest reason in bytes of UTF-8: 125 less the two of the code.
    public static let maximumReasonBytes = 123

    /// Why the connection ends; `nil` when the frame is empty.
    public let code: CloseCode?
    /// Words for a person who reads a log; at most ``maximumReasonBytes`` bytes of UTF-8.
    public let reason: String

    /// A close frame to send, from data of any origin.
    ///
    /// A code that may not be sent becomes 1011; a reason that is too long is cut at a character boundary.
    public init(code: CloseCode?, reason: String = "") {
        guard let code else {
            self.code = nil
            self.reason = ""
            return
        }
        self.code = code.mayAppearOnWire ? code : .internalError
        var end = reason.startIndex
        var bytes = 0
        while end < reason.endIndex {
            let next = reason.unicodeScalars.index(after: end)
            bytes += reason.utf8.distance(from: end, to: next)
            if bytes > Self.maximumReasonBytes { break }
            end = next
        }
        self.reason = String(reason[..<end])
    }

    /// Reads the payload of a close frame that was received.
    ///
    /// - Throws: ``ProtocolViolation/closePayloadTooShort``, ``ProtocolViolation/closeCodeInvalid`` or
    ///   ``ProtocolViolation/closeReasonInvalidUTF8``.
    public init(payload: UnsafeRawBufferPointer) throws(ProtocolViolation) {
        guard payload.count > 0 else {
            code = nil
            reason = ""
            return
        }
        guard payload.count >= 2 else { throw .closePayloadTooShort }
        let number = UInt16(bigEndian: payload.loadUnaligned(as: UInt16.self))
        let code = CloseCode(rawValue: number)
        guard code.mayAppearOnWire else { throw .closeCodeInvalid }
        let text = UnsafeRawBufferPointer(rebasing: payload[2...])
        var validator = UTF8Validator()
        guard validator.validate(text), validator.isAtBoundary else { throw .closeReasonInvalidUTF8 }
        self.code = code
        self.reason = String(decoding: text, as: UTF8.self)
    }

    /// The payload as it goes on the wire: empty, or two bytes of code and the reason.
    public var payload: [UInt8] {
        guard let code else { return [] }
        return [UInt8(truncatingIfNeeded: code.rawValue >> 8), UInt8(truncatingIfNeeded: code.rawValue)] + reason.utf8
    }
}
