import Channels
import PusherProtocol

/// What the HTTP API answers to somebody who asks for a channel's history.
struct HistoryAnswer {
    struct Event {
        let offset: UInt64
        let event: [UInt8]
        let data: [UInt8]
    }

    let top: Position
    let oldest: UInt64
    /// `nil` where nobody has named a position.
    let isRecovered: Bool?
    let gap: Gap?
    let events: [Event]

    /// Reads it; `nil` when it is none.
    init?(_ body: [UInt8]) {
        let text = body.span.bytes
        guard let object = try? EnvelopeReader.read(text, checkingUTF8: true), object.kind == .object,
            let epoch = EnvelopeReader.string("epoch", of: object, in: text).flatMap({ Epoch($0) }),
            let offset = EnvelopeReader.wholeNumber("offset", of: object, in: text),
            let oldest = EnvelopeReader.wholeNumber("oldest", of: object, in: text),
            let list = EnvelopeReader.member("events", of: object, in: text), list.kind == .array
        else { return nil }
        top = Position(epoch: epoch, offset: offset)
        self.oldest = oldest
        switch EnvelopeReader.member("recovered", of: object, in: text)?.kind {
        case nil: isRecovered = nil
        case .true: isRecovered = true
        case .false: isRecovered = false
        default: return nil
        }
        if let gap = EnvelopeReader.member("gap", of: object, in: text), gap.kind == .object {
            guard let from = EnvelopeReader.wholeNumber("from", of: gap, in: text),
                let to = EnvelopeReader.wholeNumber("to", of: gap, in: text),
                let oldest = EnvelopeReader.wholeNumber("oldest", of: gap, in: text)
            else { return nil }
            self.gap = Gap(from: from, to: to, oldest: oldest)
        } else {
            gap = nil
        }
        var events: [Event] = []
        var elements = JSONElements(of: list)
        while let element = elements.next(in: text) {
            guard let offset = EnvelopeReader.wholeNumber("offset", of: element, in: text),
                let event = EnvelopeReader.string("event", of: element, in: text),
                let data = EnvelopeReader.string("data", of: element, in: text)
            else { return nil }
            events.append(Event(offset: offset, event: event, data: data))
        }
        self.events = events
    }
}
