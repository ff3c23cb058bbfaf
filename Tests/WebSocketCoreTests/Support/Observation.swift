import WebSocketCore

/// What a carrier saw, with the bytes copied out of the output.
enum Observation: Hashable {
    case message(MessageKind, [UInt8])
    case pong([UInt8])
    case held
    case closing(ClosingHandshake.Action)
    /// As ``closing(_:)`` after a broken rule, for a reference that knows the close code but not the words.
    case failed(CloseCode)

    static func text(_ text: String) -> Observation { .message(.text, Array(text.utf8)) }

    /// What follows from a broken rule.
    static func violation(_ violation: ProtocolViolation) -> Observation {
        .closing(.sendAndEndTransport(CloseFrame(code: violation.closeCode, reason: violation.description)))
    }

    /// What follows from the peer's close frame: it is answered with its code.
    static func closed(_ code: Int?) -> Observation {
        .closing(.sendAndEndTransport(CloseFrame(code: code.map { CloseCode(rawValue: UInt16(clamping: $0)) })))
    }

    /// The same without the words of a violation.
    var withoutWords: Observation {
        guard case .closing(.sendAndEndTransport(let frame)) = self, let code = frame.code, !frame.reason.isEmpty else {
            return self
        }
        return .failed(code)
    }
}
