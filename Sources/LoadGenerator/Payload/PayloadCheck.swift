import WebSocketCore

/// What became of a message on its way.
enum PayloadCheck: Hashable {
    /// It came as it was sent.
    case intact(PayloadHeader)
    /// Text instead of binary, or the other way round.
    case otherKind(MessageKind)
    /// Another number of bytes.
    case otherSize(Int)
    /// The header is damaged, or the message was not sent in this run.
    case foreign
    /// The bytes behind the header are not those that were sent.
    case damaged

    /// What is wrong, in words; empty for ``intact(_:)``.
    var fault: String {
        switch self {
        case .intact: return ""
        case .otherKind(let kind): return "a \(kind) message came: is this an echo or publish-subscribe path?"
        case .otherSize(let size): return "a message of \(size) bytes came, of another size than was sent"
        case .foreign: return "a message came that is damaged or was not sent in this run"
        case .damaged: return "a message came back with other bytes"
        }
    }
}
