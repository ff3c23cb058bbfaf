import Channels
import PusherProtocol
import Testing
import WebSocketCore

@Suite("What happens in channels, as messages (pusher-protocol §2, §5)", .timeLimit(.minutes(5)))
struct PusherEncoderTests {
    private let encoder = PusherEncoder()
    private let epoch = Epoch(rawValue: 7)

    private func text(_ frame: SharedFrame?) -> String? { frame.map { String(decoding: $0.payload, as: UTF8.self) } }

    @Test("A publication's data is a string, byte for byte what was published")
    func publication() throws {
        let room = try Cluster.name("room")
        for data in [
            #"{"a":"b"}"#, "", "plain", "tab\t nul\u{0} \u{1F600} \u{2028} </script>", #"{"big":1e999999,"a":1,"a":2}"#,
        ] {
            let event = PusherEvent(name: Array("said".utf8), payload: .text(Array(data.utf8)))
            let frame = encoder.frame(for: event.publication(), at: nil, in: room)
            let message = Message(frame)
            #expect(frame.kind == .text)
            #expect(message.data == data)
            #expect(message.names == ["event", "channel", "data"])
            #expect(PusherEvent(event.publication()) == event)
        }
        let event = PusherEvent(name: Array("App\\Said".utf8), payload: .text(Array(#"{"x":1}"#.utf8)))
        #expect(
            text(encoder.frame(for: event.publication(), at: nil, in: room))
                == #"{"event":"App\\Said","channel":"room","data":"{\"x\":1}"}"#)
    }

    @Test("What a client has sent as JSON goes on as it came, and nothing as nothing")
    func json() throws {
        let room = try Cluster.name("private-room")
        let raw = #"{ "a" : 1.50, "b":"\u00e9" , "a":2}"#
        let event = PusherEvent(name: Array("client-x".utf8), payload: .json(Array(raw.utf8)))
        let publication = event.publication(sender: Array("an\"na".utf8))
        #expect(PusherEvent(publication) == event)
        #expect(
            text(encoder.frame(for: publication, at: nil, in: room))
                == #"{"event":"client-x","channel":"private-room","data":\#(raw),"user_id":"an\"na"}"#)
        let empty = PusherEvent(name: Array("client-x".utf8), payload: .none)
        #expect(PusherEvent(empty.publication()) == empty)
        #expect(
            text(encoder.frame(for: empty.publication(), at: nil, in: room))
                == #"{"event":"client-x","channel":"private-room"}"#)
    }

    @Test("With a position a publication has it at the top level; each encoding is counted")
    func positioned() throws {
        let room = try Cluster.name("room")
        let publication = PusherEvent(name: Array("said".utf8), payload: .text([])).publication()
        let position = Position(epoch: epoch, offset: Position.maximumOffset)
        let frame = encoder.frame(for: publication, at: position, in: room)
        let epochText = String(decoding: epoch.text, as: UTF8.self)
        #expect(
            text(frame)
                == #"{"event":"said","channel":"room","data":"","epoch":"\#(epochText)","offset":9007199254740991}"#)
        _ = encoder.frame(for: publication, at: nil, in: room)
        _ = encoder.frame(forPosition: position, in: room)
        #expect(encoder.encodedCount == 2)
    }

    @Test("Who is left out of a publication is told its position")
    func position() throws {
        let frame = encoder.frame(forPosition: Position(epoch: epoch, offset: 12), in: try Cluster.name("room"))
        let epochText = String(decoding: epoch.text, as: UTF8.self)
        #expect(
            text(frame) == #"{"event":"parley:position","channel":"room","epoch":"\#(epochText)","offset":12}"#)
    }

    @Test("The number of subscriptions is a string that has JSON in it, and not told in presence or reserved channels")
    func counts() throws {
        #expect(
            text(encoder.frame(for: .subscriptionCount(42), in: try Cluster.name("private-room")))
                == #"{"event":"pusher_internal:subscription_count","channel":"private-room","#
                + #""data":"{\"subscription_count\":42}"}"#)
        for name in ["presence-room", "#server-to-user-anna", "#user-anna", "#online-anna"] {
            #expect(encoder.frame(for: .subscriptionCount(42), in: try Cluster.name(name)) == nil)
        }
    }

    @Test("A loss on the way is a new answer to the subscribe, with the gap or without one")
    func lost() throws {
        let room = try Cluster.name("room")
        let position = Position(epoch: epoch, offset: 9)
        let gap = Message(
            try #require(text(encoder.frame(for: .lost(Gap(from: 5, to: 9, oldest: 8), position), in: room))))
        #expect(gap.event == "pusher_internal:subscription_succeeded")
        #expect(gap.data == "{}")
        #expect(gap.recovered == false)
        #expect(gap.gap == ["from": 5, "to": 9, "oldest": 8])
        #expect(gap.offset == 9)
        let other = Message(try #require(text(encoder.frame(for: .lost(nil, position), in: room))))
        #expect(other.recovered == false)
        #expect(other.isGapNull)
    }

    @Test("Who is present is told again as a new answer to the subscribe")
    func members() throws {
        let snapshot = PresenceSnapshot(members: [Identity(id: Array("anna".utf8))], version: 3)
        let message = Message(
            try #require(text(encoder.frame(for: .members(snapshot), in: try Cluster.name("presence-room")))))
        #expect(message.event == "pusher_internal:subscription_succeeded")
        #expect(message.presence?.ids == ["anna"])
        #expect(message.presence?.hash["anna"] is [String: Any])
        #expect(message.presence?.count == 1)
    }
}
