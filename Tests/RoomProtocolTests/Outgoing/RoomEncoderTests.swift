import Channels
import Testing
import WebSocketCore

@testable import RoomProtocol

@Suite("Pushes", .timeLimit(.minutes(5)))
struct RoomEncoderTests {
    private let encoder = RoomEncoder { CivilTime(secondsSince1970: 1_707_498_485) }
    private let anna = Member(
        code: MemberCode(), profile: Profile(name: Array("anna".utf8), attributes: [attribute("avatar", "3.png")]))
    private let ben = Member(
        code: MemberCode(),
        profile: Profile(
            name: Array("\u{672C}".utf8), attributes: [attribute("uid", "7"), attribute("expert", "")]))

    private static func attribute(_ key: String, _ value: String) -> Attribute {
        Attribute(key: Array(key.utf8), value: Array(value.utf8))
    }

    private func text(_ code: MemberCode) -> String { String(decoding: code.text, as: UTF8.self) }
    private func push(_ event: ChannelEvent) -> String {
        String(decoding: encoder.text(for: event) ?? [], as: UTF8.self)
    }
    private func push(_ start: SubscriptionStart) -> String {
        String(decoding: encoder.text(for: start) ?? [], as: UTF8.self)
    }
    private func payload(_ frame: SharedFrame?) -> String {
        String(decoding: frame?.payload ?? [], as: UTF8.self)
    }

    private func welcome(_ member: Member, among members: [Member]) -> String {
        var roster = Roster()
        for (number, member) in members.enumerated() {
            roster.append(ListedMember(member, listing: encoder.listing(of: member), sequence: UInt64(number)))
        }
        let listed = ListedMember(member, listing: [], sequence: 0)
        return payload((try? TestServer.room("lobby")).flatMap { encoder.welcome(listed, roster, in: $0) })
    }

    /// The push with its `msgid` replaced by `ID`.
    private func pushWithoutID(_ text: String) -> String {
        text.replacing(#/"msgid":"[a-z0-9]+"/#, with: #""msgid":"ID""#)
    }

    @Test("To the joiner: madd, with everyone who has joined in joining order, then the joiner's extras")
    func welcomed() {
        #expect(
            welcome(ben, among: [anna, ben])
                == #"{"type":"madd","name":"\u672c","code1":"all","code":"\#(text(ben.code))","#
                + #""time":"02-09 17:08:05","users":[{"code":"\#(text(anna.code))","name":"anna","avatar":"3.png"},"#
                + #"{"code":"\#(text(ben.code))","name":"\u672c","uid":"7","expert":""}],"uid":"7","expert":""}"#)
    }

    @Test("To the others: add, with the joiner's code and extras")
    func joined() {
        #expect(
            push(.joined(anna))
                == #"{"type":"add","name":"anna","code1":"all","code":"\#(text(anna.code))","#
                + #""time":"02-09 17:08:05","avatar":"3.png"}"#)
    }

    @Test("Said to all: no type, the text, all, the sender's code, time, msgid, extras of the message")
    func said() {
        let push = encoder.said(
            Array("&lt;b&gt; \u{1F600}".utf8), by: anna.code, to: nil, [Self.attribute("qqnum", "5")])
        #expect(
            pushWithoutID(String(decoding: push, as: UTF8.self))
                == #"{"nrong":"\u0026lt;b\u0026gt; \ud83d\ude00","code1":"all","code":"\#(text(anna.code))","#
                + #""time":"02-09 17:08:05","msgid":"ID","qqnum":"5"}"#)
    }

    @Test("Said to one: the same with the addressee's code")
    func direct() {
        let push = encoder.said(Array("psst".utf8), by: anna.code, to: ben.code, [])
        #expect(
            pushWithoutID(String(decoding: push, as: UTF8.self))
                == #"{"nrong":"psst","code1":"\#(text(ben.code))","code":"\#(text(anna.code))","#
                + #""time":"02-09 17:08:05","msgid":"ID"}"#)
    }

    private let position = Position(epoch: Epoch(rawValue: 1), offset: 7)

    @Test("Published: the push as it is; with a position, pos after its members; missed, the sender's name too")
    func published() throws {
        let channel = try TestServer.room("lobby")
        let push = encoder.said(Array("hi".utf8), by: anna.code, to: nil, [Self.attribute("qqnum", "5")])
        let publication = Publication(data: push, sender: Array("\u{672C}&lt;".utf8))
        let plain = String(decoding: push, as: UTF8.self)
        #expect(payload(encoder.frame(for: publication, at: nil, in: channel)) == plain)
        #expect(
            payload(encoder.frame(for: publication, at: position, in: channel))
                == plain.dropLast() + #","pos":"aaaaaaaaaaaab:7"}"#)
        #expect(
            payload(encoder.frame(forMissed: publication, at: position, in: channel))
                == plain.dropLast() + #","pos":"aaaaaaaaaaaab:7","name":"\u672c\u0026lt;"}"#)
    }

    @Test("What is no push goes on as it is", arguments: ["", "}", "{}", "text"])
    func noPush(data: String) throws {
        let channel = try TestServer.room("lobby")
        let publication = Publication(data: Array(data.utf8))
        #expect(payload(encoder.frame(for: publication, at: position, in: channel)) == data)
        #expect(payload(encoder.frame(forMissed: publication, at: position, in: channel)) == data)
    }

    @Test("Resumed: where the page stands before what it missed, and how much that is")
    func resumed() {
        #expect(
            push(SubscriptionStart(recovery: .recovered(position), missed: 3))
                == #"{"type":"resume","recovered":true,"pos":"aaaaaaaaaaaab:4","missed":3,"gap":null,"#
                + #""code1":"all","code":"0","time":"02-09 17:08:05"}"#)
        #expect(encoder.text(for: SubscriptionStart()) == nil)
    }

    @Test("Not resumed: the gap, or none when the log is another, at the start and later")
    func lost() {
        let gap = Gap(from: 2, to: 7, oldest: 5)
        let withGap =
            #"{"type":"resume","recovered":false,"pos":"aaaaaaaaaaaab:7","missed":0,"#
            + #""gap":{"from":2,"to":7,"oldest":5},"code1":"all","code":"0","time":"02-09 17:08:05"}"#
        let withoutGap = withGap.replacing(#"{"from":2,"to":7,"oldest":5}"#, with: "null")
        #expect(push(SubscriptionStart(recovery: .lost(gap, position))) == withGap)
        #expect(push(SubscriptionStart(recovery: .lost(nil, position))) == withoutGap)
        #expect(push(.lost(gap, position)) == withGap)
        #expect(push(.lost(nil, position)) == withoutGap)
    }

    @Test("Rooms tell nothing of present users and counts, which they do not have")
    func noPresence() {
        let identity = Identity(id: [1])
        let snapshot = PresenceSnapshot(members: [identity], version: 1)
        for event in [
            ChannelEvent.memberAdded(identity), .memberRemoved(identity), .members(snapshot), .subscriptionCount(1),
        ] {
            #expect(encoder.text(for: event) == nil)
        }
    }

    @Test("Left: rmove, the code that left, and a code of false")
    func left() {
        #expect(
            push(.left(anna.code))
                == #"{"type":"rmove","nrong":"\#(text(anna.code))","code1":"all","code":false,"#
                + #""time":"02-09 17:08:05"}"#)
    }

    @Test("Left, for pages that wait for remove")
    func leftAsRemove() {
        let encoder = RoomEncoder(leftType: .remove) { CivilTime(secondsSince1970: 0) }
        #expect(
            String(decoding: encoder.text(for: .left(anna.code)) ?? [], as: UTF8.self)
                == #"{"type":"remove","nrong":"\#(text(anna.code))","code1":"all","code":false,"#
                + #""time":"01-01 00:00:00"}"#)
    }

    @Test("Errors: a code of \"0\", to all, with time and msgid")
    func error() {
        let push = String(decoding: encoder.text(for: RoomError.roomFull), as: UTF8.self)
        #expect(
            pushWithoutID(push)
                == #"{"type":"error","nrong":"The room is full. Please try again later.","code":"0","code1":"all","#
                + #""time":"02-09 17:08:05","msgid":"ID"}"#)
    }

    @Test("No msgid comes twice, in one server or in two")
    func messageIDs() throws {
        let other = RoomEncoder { CivilTime(secondsSince1970: 0) }
        var ids: Set<Substring> = []
        for _ in 0..<500 {
            for text in [encoder.said([], by: anna.code, to: nil, []), other.said([], by: anna.code, to: nil, [])] {
                let push = String(decoding: text, as: UTF8.self)
                let match = try #require(try #/"msgid":"([a-z0-9]+)"/#.firstMatch(in: push))
                ids.insert(match.output.1)
            }
        }
        #expect(ids.count == 1_000)
    }

    @Test("A push is a text message (RFC 6455 §5.6)")
    func kind() throws {
        let channel = try TestServer.room("lobby")
        let frame = try #require(encoder.frame(for: .left(anna.code), in: channel))
        #expect(frame.kind == .text)
        #expect(Array(frame.payload) == encoder.text(for: .left(anna.code)))
        #expect(encoder.frame(for: Publication(data: [0x7B]), at: nil, in: channel).kind == .text)
    }

    @Test("A push is ASCII without < > & and ', whatever names, extras and texts are")
    func asciiOnly() throws {
        let nasty = Array("<>&'\"\\\u{2028}\u{2029}\u{4F60}\0\u{1F600}`</script>".utf8)
        let member = Member(
            code: MemberCode(), profile: Profile(name: nasty, attributes: [Attribute(key: nasty, value: nasty)]))
        let said = encoder.said(nasty, by: member.code, to: nil, [Attribute(key: nasty, value: nasty)])
        let missed = encoder.frame(
            forMissed: Publication(data: said, sender: nasty), at: position, in: try TestServer.room("lobby"))
        let events: [ChannelEvent] = [.joined(member), .left(member.code), .lost(nil, position)]
        let welcome = Array(welcome(member, among: [member]).utf8)
        for text in events.map({ encoder.text(for: $0) ?? [] }) + [welcome, said, Array(missed.payload)] {
            for byte in text { #expect((0x20...0x7E).contains(byte) && !"<>&'".utf8.contains(byte)) }
        }
    }
}
