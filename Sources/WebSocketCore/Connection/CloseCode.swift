/// A close status code (RFC 6455 §7.4, with the codes that IANA registered later).
public struct CloseCode: RawRepresentable, Sendable, Hashable {
    /// The number as it stands on the wire.
    public let rawValue: UInt16

    /// Wraps any number, without a check; see ``mayAppearOnWire``.
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// The code for a number of any origin: one that may not be sent becomes ``internalError``.
    public init(sendable number: Int) {
        let code = CloseCode(rawValue: UInt16(clamping: number))
        self = code.mayAppearOnWire ? code : .internalError
    }

    /// 1000: the purpose of the connection was fulfilled.
    public static let normal = CloseCode(rawValue: 1000)
    /// 1001: the endpoint goes away: a server shuts down, a page is left.
    public static let goingAway = CloseCode(rawValue: 1001)
    /// 1002: the peer broke the protocol.
    public static let protocolError = CloseCode(rawValue: 1002)
    /// 1003: a kind of data that the endpoint does not accept.
    public static let unsupportedData = CloseCode(rawValue: 1003)
    /// 1005, never sent: the peer's close frame had no code.
    public static let noStatusReceived = CloseCode(rawValue: 1005)
    /// 1006, never sent: the connection ended without a close frame.
    public static let abnormalClosure = CloseCode(rawValue: 1006)
    /// 1007: data that does not fit its type: text that is no UTF-8, payload that does not inflate.
    public static let invalidPayload = CloseCode(rawValue: 1007)
    /// 1008: a policy of the endpoint was broken; for lack of a more specific code.
    public static let policyViolation = CloseCode(rawValue: 1008)
    /// 1009: a message too big to process.
    public static let messageTooBig = CloseCode(rawValue: 1009)
    /// 1010: a client misses an extension in the server's answer.
    public static let mandatoryExtension = CloseCode(rawValue: 1010)
    /// 1011: the endpoint met an unexpected condition.
    public static let internalError = CloseCode(rawValue: 1011)
    /// 1012: the service restarts.
    public static let serviceRestart = CloseCode(rawValue: 1012)
    /// 1013: try again later: the service is overloaded, or the reader was too slow.
    public static let tryAgainLater = CloseCode(rawValue: 1013)
    /// 1014: a gateway got an invalid response.
    public static let badGateway = CloseCode(rawValue: 1014)

    /// Whether a close frame may carry the code: 1000–1003, 1007–1014 and 3000–4999 (RFC 6455 §7.4.1, §7.4.2).
    public var mayAppearOnWire: Bool {
        switch rawValue {
        case 1000...1003, 1007...1014, 3000...4999: return true
        default: return false
        }
    }
}
