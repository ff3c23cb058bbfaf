import Channels
import PusherProtocol

/// A message of the server's, as a client reads it.
struct ServerMessage {
    /// What is said about what a subscriber has missed.
    enum Recovery: Equatable {
        /// Nothing.
        case none
        case recovered
        /// Without a gap the log is another.
        case lost(Gap?)
    }

    let event: [UInt8]
    let channel: [UInt8]?
    /// What a string stands for, or JSON.
    let data: [UInt8]?
    let dataIsText: Bool
    let user: [UInt8]?
    let position: Position?
    let recovery: Recovery

    /// Reads it; `nil` when it is no message of the protocol.
    init?(_ text: RawSpan) {
        guard let object = try? EnvelopeReader.read(text, checkingUTF8: true), object.kind == .object,
            let event = EnvelopeReader.string("event", of: object, in: text)
        else { return nil }
        func member(_ name: StaticString) -> JSONValue? { EnvelopeReader.member(name, of: object, in: text) }
        func string(_ name: StaticString) -> [UInt8]? { EnvelopeReader.string(name, of: object, in: text) }
        self.event = event
        channel = string("channel")
        user = string("user_id")
        let data = member("data")
        dataIsText = data?.kind == .string
        self.data = data.map { EnvelopeReader.string($0, in: text) ?? EnvelopeReader.raw($0, in: text) }
        let offset = EnvelopeReader.wholeNumber("offset", of: object, in: text)
        let epoch = string("epoch")
        if let offset, let epoch {
            guard let epoch = Epoch(epoch) else { return nil }
            position = Position(epoch: epoch, offset: offset)
        } else {
            guard offset == nil, epoch == nil else { return nil }
            position = nil
        }
        switch member("recovered")?.kind {
        case nil: recovery = .none
        case .true: recovery = .recovered
        case .false:
            guard let gap = member("gap") else { return nil }
            guard gap.kind == .object else {
                guard gap.kind == .null else { return nil }
                recovery = .lost(nil)
                return
            }
            func number(_ name: StaticString) -> UInt64? { EnvelopeReader.wholeNumber(name, of: gap, in: text) }
            guard let from = number("from"), let to = number("to"), let oldest = number("oldest") else { return nil }
            recovery = .lost(Gap(from: from, to: to, oldest: oldest))
        default: return nil
        }
    }
}

extension ServerMessage: CustomStringConvertible {
    var description: String {
        var text = "\(String(decoding: event, as: UTF8.self)) in \(String(decoding: channel ?? [], as: UTF8.self))"
        if let position { text += " at \(words(position))" }
        if recovery != .none { text += " \(recovery)" }
        return text + " " + String(decoding: (data ?? []).prefix(80), as: UTF8.self)
    }
}
