public import Channels

/// An event as it is published: its name and its data.
///
/// A ``Channels/Publication`` has the data's bytes and the name; one byte before the name, which no name can have, tells
/// data that is JSON from data that is text.
public struct PusherEvent: Hashable, Sendable {
    /// What an event says. Either way it travels byte for byte.
    public enum Payload: Hashable, Sendable {
        /// A text, UTF-8: what the string that was published stands for.
        case text([UInt8])
        /// JSON as the sender has written it: anything but a string, or a string with half a surrogate pair.
        case json([UInt8])
        /// Nothing: a client event without `data`.
        case none

        /// How many bytes it has.
        public var count: Int {
            switch self {
            case .text(let data), .json(let data): data.count
            case .none: 0
            }
        }

        /// What a member `data` says: of a string its text, of anything else its bytes. A string with half a surrogate
        /// pair has no text and travels as it was written.
        init(_ data: JSONValue?, in text: RawSpan) {
            guard let data else {
                self = .none
                return
            }
            self = EnvelopeReader.string(data, in: text).map { .text($0) } ?? .json(EnvelopeReader.raw(data, in: text))
        }
    }

    private static let jsonMark: UInt8 = 0
    private static let emptyMark: UInt8 = 1

    /// What the event is called, UTF-8; see ``PusherEventName``.
    public var name: [UInt8]
    /// What it says.
    public var payload: Payload

    /// Composes an event.
    public init(name: [UInt8], payload: Payload) {
        self.name = name
        self.payload = payload
    }

    /// What a publication of this protocol says.
    public init(_ publication: Publication) {
        switch publication.event.first {
        case Self.jsonMark: self.init(name: Array(publication.event.dropFirst()), payload: .json(publication.data))
        case Self.emptyMark: self.init(name: Array(publication.event.dropFirst()), payload: .none)
        default: self.init(name: publication.event, payload: .text(publication.data))
        }
    }

    /// The publication that says it.
    ///
    /// - Parameters:
    ///   - sender: the id of the user who says it, as receivers are told.
    ///   - excluded: the connection that is not to get it.
    public func publication(sender: [UInt8]? = nil, excluded: ConnectionID? = nil) -> Publication {
        switch payload {
        case .text(let data): Publication(event: name, data: data, sender: sender, excluded: excluded)
        case .json(let data):
            Publication(event: [Self.jsonMark] + name, data: data, sender: sender, excluded: excluded)
        case .none: Publication(event: [Self.emptyMark] + name, data: [], sender: sender, excluded: excluded)
        }
    }

    /// Appends the members `event`, `channel` and `data` of a message.
    static func append(_ publication: Publication, in channel: ChannelName, to writer: inout JSONWriter) {
        writer.raw("\"event\":")
        append(nameOf: publication, to: &writer)
        writer.raw(",\"channel\":")
        writer.string(channel.bytes)
        guard publication.event.first != emptyMark else { return }
        writer.raw(",\"data\":")
        append(dataOf: publication, to: &writer)
    }

    /// Appends the name as a string.
    static func append(nameOf publication: Publication, to writer: inout JSONWriter) {
        let isMarked = publication.event.first.map { $0 <= emptyMark } ?? false
        writer.string(isMarked ? publication.event.dropFirst() : publication.event[...])
    }

    /// Appends the data as the value of a member; of an event without data an empty string.
    static func append(dataOf publication: Publication, to writer: inout JSONWriter) {
        if publication.event.first == jsonMark {
            writer.raw(publication.data)
        } else {
            writer.string(publication.data)
        }
    }
}
