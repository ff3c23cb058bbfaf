import Channels
import WebSocketCore

/// A wire protocol for tests: one line of words for each event, members by their names, left ones by their codes.
struct WordEncoder: ChannelEncoder {
    func frame(for event: ChannelEvent, in channel: ChannelName) -> SharedFrame? {
        let words: String
        switch event {
        case .joined(let member): words = "joined \(name(member))"
        case .left(let code): words = "left \(text(code.text))"
        case .memberAdded(let identity): words = "added \(text(identity.id))"
        case .memberRemoved(let identity): words = "removed \(text(identity.id))"
        case .members(let snapshot): words = "members \(snapshot.words)"
        case .subscriptionCount(let count): words = "count \(count)"
        case .lost(let gap, let position):
            words =
                "lost \(gap.map { "\($0.from)-\($0.to), kept from \($0.oldest)" } ?? "all") up to \(position.offset)"
        }
        return SharedFrame(text: words)
    }

    func listing(of member: Member) -> [UInt8] { member.profile.name }

    func welcome(_ member: ListedMember, _ roster: Roster, in channel: ChannelName) -> SharedFrame? {
        SharedFrame(
            text: "welcomed \(name(member.member)): \(roster.members.map { text($0.listing) }.joined(separator: " "))")
    }

    func frame(for publication: Publication, at position: Position?, in channel: ChannelName) -> SharedFrame {
        SharedFrame(text: "said \(text(publication.data))\(position.map { " at \($0.offset)" } ?? "")")
    }

    func frame(forMissed publication: Publication, at position: Position, in channel: ChannelName) -> SharedFrame {
        SharedFrame(text: "missed \(text(publication.data)) at \(position.offset)")
    }

    func frame(forPosition position: Position, in channel: ChannelName) -> SharedFrame? {
        SharedFrame(text: "position \(position.offset)")
    }

    private func name(_ member: Member) -> String { text(member.profile.name) }
    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}

extension PresenceSnapshot {
    /// The members' names, one after the other.
    var words: String { members.map { String(decoding: $0.id, as: UTF8.self) }.joined(separator: " ") }
}

extension MemberCode {
    var string: String { String(decoding: text, as: UTF8.self) }
}

extension Profile {
    /// A profile with a name and nothing else.
    init(_ name: String) { self.init(name: Array(name.utf8)) }
}

extension Membership {
    func say(_ text: String) { publish(Publication(data: Array(text.utf8))) }

    func whisper(_ text: String, to addressee: MemberCode) throws(ChannelError) {
        try send(SharedFrame(text: "whispered \(text)"), to: addressee)
    }
}

extension ChannelHub {
    func publish(_ text: String, to name: ChannelName, kind: MessageKind = .text) {
        publish(kind, Array(text.utf8).span.bytes, to: name)
    }

    /// Publishes through the engine.
    func say(
        _ text: String, to name: ChannelName, except excluded: ConnectionID? = nil,
        keeping retention: Retention = Retention()
    ) {
        let publication = Publication(data: Array(text.utf8), excluded: excluded)
        publish([PublishRequest.Entry(channel: name, publication: publication, retention: retention)]) { _ in }
    }
}

/// The channel that most tests use.
func channelName(_ name: String = "lobby") throws -> ChannelName {
    struct NoName: Error {}
    guard let name = ChannelName(Array(name.utf8)) else { throw NoName() }
    return name
}
