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

    /// The push for what happened in a room, a text message. There is one for every event.
    public func frame(for event: ChannelEvent) -> SharedFrame? { SharedFrame(.text, text(for: event)) }

    func text(for event: ChannelEvent) -> [UInt8] {
        switch event {
        case .welcomed(let member, let roster): joined("madd", member, roster: roster)
        case .joined(let member): joined("add", member, roster: nil)
        case .left(let code): left(code)
        case .said(let publication): said(publication, to: nil)
        case .direct(let publication, let addressee): said(publication, to: addressee)
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

    private func joined(_ type: StaticString, _ member: Member, roster: [Member]?) -> [UInt8] {
        var json = JSONText()
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
            var isFirst = true
            for member in roster {
                json.raw(isFirst ? #"{"code":"# : #",{"code":"#)
                isFirst = false
                json.string(member.code)
                json.raw(#","name":"#)
                json.string(member.profile.name)
                append(member.profile.attributes, to: &json)
                json.raw("}")
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

    private func said(_ publication: Publication, to addressee: MemberCode?) -> [UInt8] {
        var json = JSONText()
        json.raw(#"{"nrong":"#)
        json.string(publication.data)
        json.raw(#","code1":"#)
        if let addressee { json.string(addressee) } else { json.raw(#""all""#) }
        json.raw(#","code":"#)
        json.string(publication.sender)
        json.raw(#","time":"#)
        json.string(clock())
        appendMessageID(to: &json)
        append(publication.attributes, to: &json)
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
