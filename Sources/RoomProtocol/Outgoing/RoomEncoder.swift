public import Channels
import Synchronization
public import WebSocketCore

/// Writes the pushes of the room protocol: text messages with one JSON object each.
///
/// Names, extras and texts must have been made safe before, which ``RoomCommand`` does; here they become JSON that
/// `eval` takes for one object and nothing else: ASCII only, with `<`, `>`, `&`, U+2028 and U+2029 escaped. The members
/// stand in the order of the protocol's tables, extras after them. Any thread.
public final class RoomEncoder: ChannelEncoder {
    private let leftType: RoomOptions.LeftType
    private let clock: @Sendable () -> CivilTime
    /// Different in each process, so that numbers which begin anew there make no identifier twice.
    private let messagePrefix = MemberCode()
    private let messageCount = Atomic<UInt64>(0)

    /// Creates the encoder.
    ///
    /// - Parameters:
    ///   - leftType: how a push says that a member left.
    ///   - clock: the present time in the server's time zone; asked once per push, on any thread.
    public init(leftType: RoomOptions.LeftType = .rmove, clock: @escaping @Sendable () -> CivilTime) {
        self.leftType = leftType
        self.clock = clock
    }

    /// The push for what happened in a room, a text message; `nil` for what rooms do not have: present users and counts.
    public func frame(for event: ChannelEvent, in channel: ChannelName) -> SharedFrame? {
        text(for: event).map { SharedFrame(.text, $0) }
    }

    /// What was said to all: the push as it was when it was said; with a position, one member
    /// `pos` more.
    public func frame(for publication: Publication, at position: Position?, in channel: ChannelName) -> SharedFrame {
        guard let position else { return SharedFrame(.text, publication.data) }
        return SharedFrame(.text, Self.placed(publication.data, at: position))
    }

    /// What was said to all while somebody was away: with `pos`, and with the sender's name as `name`, because the
    /// sender may have left.
    public func frame(
        forMissed publication: Publication, at position: Position, in channel: ChannelName
    ) -> SharedFrame {
        SharedFrame(.text, Self.placed(publication.data, at: position, name: publication.sender))
    }

    /// A member of the array `users`.
    public func listing(of member: Member) -> [UInt8] {
        var json = JSONText()
        json.raw(#"{"code":"#)
        json.string(member.code)
        json.raw(#","name":"#)
        json.string(member.profile.name)
        append(member.profile.attributes, to: &json)
        json.raw("}")
        return json.bytes
    }

    /// `madd`: to one member alone.
    public func welcome(_ member: ListedMember, _ roster: Roster, in channel: ChannelName) -> SharedFrame? {
        SharedFrame(.text, joined("madd", member.member, roster: roster))
    }

    func text(for event: ChannelEvent) -> [UInt8]? {
        switch event {
        case .joined(let member): joined("add", member, roster: nil)
        case .left(let code): left(code)
        case .lost(let gap, let position): resumed(at: position, gap: gap, isRecovered: false, missed: 0)
        case .memberAdded, .memberRemoved, .members, .subscriptionCount: nil
        }
    }

    /// The push for what one member says: to all, or to one other.
    ///
    /// Said to all, it is what the room publishes and keeps, and what pages get that do not ask for positions.
    func said(_ text: [UInt8], by sender: MemberCode, to addressee: MemberCode?, _ attributes: [Attribute]) -> [UInt8] {
        var json = JSONText()
        json.raw(#"{"nrong":"#)
        json.string(text)
        json.raw(#","code1":"#)
        if let addressee { json.string(addressee) } else { json.raw(#""all""#) }
        json.raw(#","code":"#)
        json.string(sender)
        json.raw(#","time":"#)
        json.string(clock())
        appendMessageID(to: &json)
        append(attributes, to: &json)
        json.raw("}")
        return json.bytes
    }

    /// The push that tells what became of a request to resume; `nil` when there was none.
    func text(for start: SubscriptionStart) -> [UInt8]? {
        switch start.recovery {
        case .none: return nil
        case .recovered(var position):
            // Where the page stands now, and not where it will: whoever keeps the last `pos` that came is always right.
            position.offset -= min(start.missed, position.offset)
            return resumed(at: position, gap: nil, isRecovered: true, missed: start.missed)
        case .lost(let gap, let position): return resumed(at: position, gap: gap, isRecovered: false, missed: 0)
        }
    }

    /// The push for something that could not be done. Pages show it as a line of the system's.
    public func text(for error: RoomError) -> [UInt8] {
        var json = JSONText()
        json.raw(#"{"type":"error","nrong":"#)
        json.string(Array(error.text.utf8))
        // The pages look up the sender by its code, and throw unless it is "0" or a member's.
        json.raw(#","code":"0","code1":"all","time":"#)
        json.string(clock())
        appendMessageID(to: &json)
        json.raw("}")
        return json.bytes
    }

    private func joined(_ type: StaticString, _ member: Member, roster: Roster?) -> [UInt8] {
        var json = JSONText([], addingCapacity: (roster?.listingBytes ?? 0) + (roster?.members.count ?? 0) + 256)
        json.raw(#"{"type":""#)
        json.raw(type)
        json.raw(#"","name":"#)
        json.string(member.profile.name)
        json.raw(#","code1":"all","code":"#)
        json.string(member.code)
        json.raw(#","time":"#)
        json.string(clock())
        if let roster {
            json.raw(#","users":["#)
            for (index, listed) in roster.members.enumerated() {
                if index > 0 { json.raw(",") }
                json.raw(listed.listing)
            }
            json.raw("]")
        }
        append(member.profile.attributes, to: &json)
        json.raw("}")
        return json.bytes
    }

    private func left(_ code: MemberCode) -> [UInt8] {
        var json = JSONText()
        switch leftType {
        case .rmove: json.raw(#"{"type":"rmove","nrong":"#)
        case .remove: json.raw(#"{"type":"remove","nrong":"#)
        }
        json.string(code)
        json.raw(#","code1":"all","code":false,"time":"#)
        json.string(clock())
        json.raw("}")
        return json.bytes
    }

    /// - Parameter position: the one after which the `missed` pushes follow that the page did not get, and then new ones.
    private func resumed(at position: Position, gap: Gap?, isRecovered: Bool, missed: UInt64) -> [UInt8] {
        var json = JSONText()
        json.raw(#"{"type":"resume","recovered":"#)
        json.raw(isRecovered ? "true" : "false")
        json.raw(#","pos":"#)
        json.string(position)
        json.raw(#","missed":"#)
        json.number(missed)
        json.raw(#","gap":"#)
        if let gap {
            json.raw(#"{"from":"#)
            json.number(gap.from)
            json.raw(#","to":"#)
            json.number(gap.to)
            json.raw(#","oldest":"#)
            json.number(gap.oldest)
            json.raw("}")
        } else {
            json.raw("null")
        }
        json.raw(#","code1":"all","code":"0","time":"#)
        json.string(clock())
        json.raw("}")
        return json.bytes
    }

    /// A push that was kept, with where it stands.
    private static func placed(_ push: [UInt8], at position: Position, name: [UInt8]? = nil) -> [UInt8] {
        // Only a room's members publish there. Should something else come out of an engine, it goes on as it is.
        guard push.count > 2, push.last == UInt8(ascii: "}") else { return push }
        var json = JSONText(push.dropLast(), addingCapacity: 48 + (name?.count ?? 0) * JSONText.maximumExpansion)
        json.raw(#","pos":"#)
        json.string(position)
        if let name {
            json.raw(#","name":"#)
            json.string(name)
        }
        json.raw("}")
        return json.bytes
    }

    private func appendMessageID(to json: inout JSONText) {
        json.raw(#","msgid":"#)
        let number = messageCount.wrappingAdd(1, ordering: .relaxed).newValue
        json.string(messagePrefix.text + Array(String(number).utf8))
    }

    private func append(_ attributes: [Attribute], to json: inout JSONText) {
        for attribute in attributes {
            json.raw(",")
            json.string(attribute.key)
            json.raw(":")
            json.string(attribute.value)
        }
    }
}
