import Channels

/// What a text message from a client asks for (spec: pusher-protocol §2, §5). Reading it authorises nothing.
public enum PusherCommand: Hashable, Sendable {
    /// Say that the server is there.
    case ping
    /// The client is there, as it says when it is asked.
    case pong
    /// Subscribe to a channel.
    case subscribe(SubscribeCommand)
    /// Unsubscribe from the channel of this name.
    case unsubscribe([UInt8])
    /// Sign in as the user of `userData`, which is JSON.
    case signIn(auth: [UInt8], userData: [UInt8])
    /// Send an event to the others in the channel of this name.
    case clientEvent(PusherEvent, channel: [UInt8])
    /// Nothing: an answer, or something that clients of other servers say.
    case ignored
    /// An event that no client may send.
    case forbidden
    /// No message of this protocol; the words say what is wrong.
    case malformed(String)
    /// A message with half a surrogate pair in anything but a client event's data. Pages send that without a fault of
    /// their own, so it gets these words and does not count as ``malformed(_:)``.
    case refused(String)

    /// Reads a message: an object with `event` and, mostly, `data`, which may also be a string that has the object in it.
    ///
    /// - Parameter text: UTF-8, which carriers have checked.
    public init(_ text: RawSpan) {
        let message: JSONValue
        let loneSurrogates: ClosedRange<Int>?
        do throws(EnvelopeError) {
            (message, loneSurrogates) = try EnvelopeReader.readWithLoneSurrogates(text)
        } catch {
            self = .malformed(error.text)
            return
        }
        guard message.kind == .object else {
            self = .malformed("A message is a JSON object with an \"event\".")
            return
        }
        // One walk for all three; of a name that comes twice the last counts.
        var (event, channel, data) = (JSONValue?.none, JSONValue?.none, JSONValue?.none)
        var members = JSONMembers(of: message)
        while let member = members.next(in: text) {
            if EnvelopeReader.matches(member.name, "event", in: text) {
                event = member.value
            } else if EnvelopeReader.matches(member.name, "channel", in: text) {
                channel = member.value
            } else if EnvelopeReader.matches(member.name, "data", in: text) {
                data = member.value
            }
        }
        if let loneSurrogates {
            let name = event.flatMap { EnvelopeReader.string($0, in: text) } ?? []
            let isInData =
                data.map {
                    $0.range.contains(loneSurrogates.lowerBound) && $0.range.contains(loneSurrogates.upperBound)
                } ?? false
            guard PusherEventName.isClientEvent(name), isInData else {
                self = .refused(EnvelopeError.loneSurrogate(at: loneSurrogates.lowerBound).text)
                return
            }
        }
        guard let event, let name = EnvelopeReader.string(event, in: text) else {
            self = .malformed("A message needs an \"event\", which is a string.")
            return
        }
        self.init(name, channel, data, in: text)
    }

    private init(_ name: [UInt8], _ channel: JSONValue?, _ data: JSONValue?, in text: RawSpan) {
        if PusherEventName.isClientEvent(name) {
            guard let channel = channel.flatMap({ EnvelopeReader.string($0, in: text) }) else {
                self = .malformed("A client event needs a \"channel\", which is a string.")
                return
            }
            self = .clientEvent(PusherEvent(name: name, payload: PusherEvent.Payload(data, in: text)), channel: channel)
        } else if name.elementsEqual("pusher:ping".utf8) {
            self = .ping
        } else if name.elementsEqual("pusher:pong".utf8) {
            self = .pong
        } else if name.elementsEqual("pusher:subscribe".utf8) {
            self = Self.reading(data, in: text) { SubscribeCommand.read($0, in: $1) }
        } else if name.elementsEqual("pusher:unsubscribe".utf8) {
            self = Self.reading(data, in: text) { Self.unsubscribe($0, in: $1) }
        } else if name.elementsEqual("pusher:signin".utf8) {
            self = Self.reading(data, in: text) { Self.signIn($0, in: $1) }
        } else {
            self = name.starts(with: "pusher:".utf8) ? .ignored : .forbidden
        }
    }

    /// Has `read` read the object that `data` is or, as a string, has in it.
    private static func reading(
        _ data: JSONValue?, in text: RawSpan, _ read: (JSONValue, RawSpan) -> PusherCommand
    ) -> PusherCommand {
        guard let data else { return .malformed("This event needs \"data\".") }
        guard let inner = EnvelopeReader.string(data, in: text) else { return read(data, text) }
        do throws(EnvelopeError) {
            return read(try EnvelopeReader.read(inner.span.bytes), inner.span.bytes)
        } catch {
            return error.isLoneSurrogate ? .refused(error.text) : .malformed(error.text)
        }
    }

    private static func unsubscribe(_ data: JSONValue, in text: RawSpan) -> PusherCommand {
        guard let channel = EnvelopeReader.member("channel", of: data, in: text),
            let name = EnvelopeReader.string(channel, in: text)
        else { return .malformed("An unsubscribe needs a \"channel\", which is a string.") }
        return .unsubscribe(name)
    }

    private static func signIn(_ data: JSONValue, in text: RawSpan) -> PusherCommand {
        guard let auth = EnvelopeReader.member("auth", of: data, in: text),
            let userData = EnvelopeReader.member("user_data", of: data, in: text),
            let signature = EnvelopeReader.string(auth, in: text), let user = EnvelopeReader.string(userData, in: text)
        else { return .malformed("A sign-in needs \"auth\" and \"user_data\", which are strings.") }
        return .signIn(auth: signature, userData: user)
    }
}
