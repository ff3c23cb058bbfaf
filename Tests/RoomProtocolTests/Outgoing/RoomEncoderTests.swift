import Channels
import Testing
import WebSocketCore

@testable import RoomProtocol

@Suite("Pushes")
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
    private func push(_ event: ChannelEvent) -> String { String(decoding: encoder.text(for: event), as: UTF8.self) }

    /// The push with its `msgid` replaced by `ID`.
    private func pushWithoutID(_ text: String) -> String {
        text.replacing(#/"msgid":"[a-z0-9]+"/#, with: #""msgid":"ID""#)
    }

    @Test("To the joiner: madd, with everyone who has joined in joining order, then the joiner's extras")
    func welcomed() {
        #expect(
            push(.welcomed(ben, roster: [anna, ben]))
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
        let publication = Publication(
            sender: anna.code, data: Array("&lt;b&gt; \u{1F600}".utf8), attributes: [Self.attribute("qqnum", "5")])
        #expect(
            pushWithoutID(push(.said(publication)))
                == #"{"nrong":"\u0026lt;b\u0026gt; \ud83d\ude00","code1":"all","code":"\#(text(anna.code))","#
                + #""time":"02-09 17:08:05","msgid":"ID","qqnum":"5"}"#)
    }

    @Test("Said to one: the same with the addressee's code")
    func direct() {
        let publication = Publication(sender: anna.code, data: Array("psst".utf8))
        #expect(
            pushWithoutID(push(.direct(publication, to: ben.code)))
                == #"{"nrong":"psst","code1":"\#(text(ben.code))","code":"\#(text(anna.code))","#
                + #""time":"02-09 17:08:05","msgid":"ID"}"#)
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
            String(decoding: encoder.text(for: .left(anna.code)), as: UTF8.self)
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
        let publication = Publication(sender: anna.code, data: [])
        var ids: Set<Substring> = []
        for _ in 0..<500 {
            for text in [encoder.text(for: .said(publication)), other.text(for: .said(publication))] {
                let push = String(decoding: text, as: UTF8.self)
                let match = try #require(try #/"msgid":"([a-z0-9]+)"/#.firstMatch(in: push))
                ids.insert(match.output.1)
            }
        }
        #expect(ids.count == 1_000)
    }

    @Test("A push is a text message (RFC 6455 §5.6)")
    func kind() throws {
        let frame = try #require(encoder.frame(for: .left(anna.code)))
        #expect(frame.kind == .text)
        #expect(Array(frame.payload) == encoder.text(for: .left(anna.code)))
    }

    @Test("A push is ASCII without < > & and ', whatever names, extras and texts are")
    func asciiOnly() {
        let nasty = Array("<>&'\"\\\u{2028}\u{2029}\u{4F60}\0\u{1F600}`</script>".utf8)
        let member = Member(
            code: MemberCode(), profile: Profile(name: nasty, attributes: [Attribute(key: nasty, value: nasty)]))
        let publication = Publication(
            sender: member.code, data: nasty, attributes: [Attribute(key: nasty, value: nasty)])
        let events: [ChannelEvent] = [
            .welcomed(member, roster: [member]), .joined(member), .left(member.code), .said(publication),
            .direct(publication, to: member.code),
        ]
        for event in events {
            for byte in encoder.text(for: event) {
                #expect((0x20...0x7E).contains(byte) && !"<>&'".utf8.contains(byte))
            }
        }
    }
}
