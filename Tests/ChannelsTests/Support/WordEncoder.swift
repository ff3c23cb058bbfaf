import Channels
import WebSocketCore

/// A wire protocol for tests: one line of words for each event, members by their names, left ones by their codes.
struct WordEncoder: ChannelEncoder {
    func frame(for event: ChannelEvent) -> SharedFrame? {
        let words: String
        switch event {
        case .welcomed(let member, let roster):
            words = "welcomed \(name(member)): \(roster.map(name).joined(separator: " "))"
        case .joined(let member): words = "joined \(name(member))"
        case .left(let code): words = "left \(text(code.text))"
        case .said(let publication): words = "said \(text(publication.data))"
        case .direct(let publication, let addressee):
            words = "direct \(text(publication.data)) to \(text(addressee.text))"
        }
        return SharedFrame(text: words)
    }

    private func name(_ member: Member) -> String { text(member.profile.name) }
    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}

extension MemberCode {
    var string: String { String(decoding: text, as: UTF8.self) }
}

extension Profile {
    /// A profile with a name and nothing else.
    init(_ name: String) { self.init(name: Array(name.utf8)) }
}

extension Membership {
    func say(_ text: String) { publish(Array(text.utf8)) }
}

extension ChannelHub {
    func publish(_ text: String, to name: ChannelName, kind: MessageKind = .text) {
        publish(kind, Array(text.utf8).span.bytes, to: name)
    }
}

/// The channel that most tests use.
func channelName(_ name: String = "lobby") throws -> ChannelName {
    struct NoName: Error {}
    guard let name = ChannelName(Array(name.utf8)) else { throw NoName() }
    return name
}
