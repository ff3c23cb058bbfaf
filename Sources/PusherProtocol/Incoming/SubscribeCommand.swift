public import Channels

/// The data of a `pusher:subscribe` (spec: pusher-protocol §5.1, delivery "The resume extension").
public struct SubscribeCommand: Hashable, Sendable {
    /// The channel's name as it came; it may be none.
    public var channel: [UInt8]
    /// `KEY:SIGNATURE`; empty for none.
    public var auth: [UInt8]
    /// Who subscribes, as JSON, exactly as it was signed; `nil` for none.
    public var channelData: [UInt8]?
    /// Where the subscription starts: `.live` without `recover`, `.here` with an empty one, otherwise after the position
    /// that it has. An object that has no position which a log could have had is `.after(nil)`.
    public var start: SubscriptionRequest.Start

    /// Composes the data.
    public init(
        channel: [UInt8], auth: [UInt8] = [], channelData: [UInt8]? = nil, start: SubscriptionRequest.Start = .live
    ) {
        self.channel = channel
        self.auth = auth
        self.channelData = channelData
        self.start = start
    }

    /// Whether it asks for what came after a position.
    var isResuming: Bool { if case .after = start { true } else { false } }

    static func read(_ data: JSONValue, in text: RawSpan) -> PusherCommand {
        guard let name = EnvelopeReader.member("channel", of: data, in: text),
            let channel = EnvelopeReader.string(name, in: text)
        else { return .malformed("A subscribe needs a \"channel\", which is a string.") }
        var command = SubscribeCommand(channel: channel)
        if let auth = present("auth", of: data, in: text) {
            guard let auth = EnvelopeReader.string(auth, in: text) else {
                return .malformed("The \"auth\" of a subscribe is a string.")
            }
            command.auth = auth
        }
        if let channelData = present("channel_data", of: data, in: text) {
            guard let channelData = EnvelopeReader.string(channelData, in: text) else {
                return .malformed("The \"channel_data\" of a subscribe is a string that has JSON in it.")
            }
            if !channelData.isEmpty { command.channelData = channelData }
        }
        if let recover = present("recover", of: data, in: text) {
            guard recover.kind == .object else { return .malformed("The \"recover\" of a subscribe is an object.") }
            command.start = start(recover, in: text)
        }
        return .subscribe(command)
    }

    /// A member that is there and not `null`.
    private static func present(_ name: StaticString, of data: JSONValue, in text: RawSpan) -> JSONValue? {
        EnvelopeReader.member(name, of: data, in: text).flatMap { $0.kind == .null ? nil : $0 }
    }

    private static func start(_ recover: JSONValue, in text: RawSpan) -> SubscriptionRequest.Start {
        let epoch = EnvelopeReader.member("epoch", of: recover, in: text)
        let offset = EnvelopeReader.member("offset", of: recover, in: text)
        if epoch == nil, offset == nil { return .here }
        guard let epoch = epoch.flatMap({ EnvelopeReader.string($0, in: text) }).flatMap({ Epoch($0) }),
            let offset = offset.flatMap({ EnvelopeReader.wholeNumber($0, in: text) })
        else { return .after(nil) }
        return .after(Position(epoch: epoch, offset: offset))
    }
}
