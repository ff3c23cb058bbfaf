/// Why a text is not taken for JSON. The text is refused as a whole.
public struct EnvelopeError: Error, Hashable, Sendable {
    private enum Reason: Hashable, Sendable {
        case notJSON
        case tooDeep
        case loneSurrogate
        case controlCharacter
        case notUTF8
        case byteOrderMark
        case trailingBytes
    }

    private let reason: Reason
    /// The offset of the byte that was wrong.
    public let offset: Int

    private init(_ reason: Reason, _ offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    /// Not what JSON may have at this place (RFC 8259); also a text that ends too early.
    public static func notJSON(at offset: Int) -> EnvelopeError { EnvelopeError(.notJSON, offset) }
    /// More arrays and objects inside each other than ``EnvelopeReader/maximumDepth``.
    public static func tooDeep(at offset: Int) -> EnvelopeError { EnvelopeError(.tooDeep, offset) }
    /// `\uD800` to `\uDFFF` that does not make a pair: no character.
    public static func loneSurrogate(at offset: Int) -> EnvelopeError { EnvelopeError(.loneSurrogate, offset) }
    /// A control character in a string that is not escaped (RFC 8259 §7).
    public static func controlCharacter(at offset: Int) -> EnvelopeError { EnvelopeError(.controlCharacter, offset) }
    /// Bytes that are no UTF-8 (RFC 8259 §8.1).
    public static func notUTF8(at offset: Int) -> EnvelopeError { EnvelopeError(.notUTF8, offset) }
    /// A byte order mark before the value (RFC 8259 §8.1).
    public static func byteOrderMark(at offset: Int) -> EnvelopeError { EnvelopeError(.byteOrderMark, offset) }
    /// Something after the value.
    public static func trailingBytes(at offset: Int) -> EnvelopeError { EnvelopeError(.trailingBytes, offset) }

    /// Whether all that is wrong is half a surrogate pair, as browsers write it for a string that was cut.
    var isLoneSurrogate: Bool { reason == .loneSurrogate }

    /// What is wrong, for the person who reads it. ASCII.
    public var text: String {
        switch reason {
        case .notJSON: "This is no JSON: something unexpected at byte \(offset)."
        case .tooDeep: "This JSON is nested deeper than \(EnvelopeReader.maximumDepth) levels."
        case .loneSurrogate: "This JSON has half a surrogate pair at byte \(offset)."
        case .controlCharacter: "This JSON has an unescaped control character at byte \(offset)."
        case .notUTF8: "This is no UTF-8."
        case .byteOrderMark: "This JSON begins with a byte order mark. Please send it without one."
        case .trailingBytes: "This JSON goes on after its end, at byte \(offset)."
        }
    }
}
