import Channels
import PusherProtocol
import Testing

@Suite("The names of channels (pusher-protocol §5)", .timeLimit(.minutes(5)))
struct PusherChannelKindTests {
    private static func kind(_ name: String) -> PusherChannelKind? { PusherChannelKind(Array(name.utf8)) }

    @Test(
        "The prefix says what a channel is",
        arguments: [
            ("room", "open"), ("cache-room", "open cache"), ("cache", "open"), ("private-room", "signed client"),
            ("private-cache-room", "signed cache client"), ("private-encrypted-room", "signed encrypted"),
            ("private-encrypted-cache-room", "signed encrypted cache"), ("private-encrypted", "signed client"),
            ("presence-room", "signed presence client"), ("presence-cache-room", "signed presence cache client"),
            ("presence", "open"), ("private", "open"), ("privateroom", "open"), ("presence-", "signed presence client"),
            ("#server-to-user-anna", "user"),
        ])
    func kinds(name: String, words: String) throws {
        let kind = try #require(Self.kind(name))
        var found = ["\(kind.access)"]
        if kind.isPresence { found.append("presence") }
        if kind.isEncrypted { found.append("encrypted") }
        if kind.isCache { found.append("cache") }
        if kind.allowsClientEvents { found.append("client") }
        #expect(found.joined(separator: " ") == words)
    }

    @Test(
        "Row 115: what can be no name is none, and no look-alike of a prefix is the prefix",
        arguments: [
            "", " ", "a b", " room", "room ", "a/../b", "/../", "%2e", "private%2Droom", "a\u{0}b", "a\nb", "a\u{7F}b",
            "\u{202E}room", "a\u{200D}b", "caf\u{E9}", "cafe\u{301}", "\u{440}rivate-room", "\u{FF50}rivate-room",
            "a#b",
            "#room", "#server-to-user-", "#server-to-user-a b", "#user-anna", "#online-anna", "a:b", "a|b", "a\"b",
            "a+b",
        ])
    func noNames(name: String) { #expect(Self.kind(name) == nil) }

    @Test("Row 115: an upper-case prefix is no prefix, and every allowed character is allowed")
    func allowed() {
        #expect(Self.kind("Private-room")?.access == .open)
        #expect(Self.kind("PRESENCE-room")?.isPresence == false)
        #expect(Self.kind("azAZ09_-=@,.;")?.access == .open)
    }

    @Test("Row 115: 164 bytes are a name, 165 are none")
    func length() {
        #expect(Self.kind(String(repeating: "a", count: 164)) != nil)
        #expect(Self.kind(String(repeating: "a", count: 165)) == nil)
        #expect(Self.kind("#server-to-user-" + String(repeating: "a", count: 128)) != nil)
        #expect(Self.kind("#server-to-user-" + String(repeating: "a", count: 129)) == nil)
    }

    @Test("Row 116: names are compared as bytes, also those that look alike")
    func bytes() throws {
        let composed = try #require(ChannelName(Array("caf\u{E9}".utf8)))
        let decomposed = try #require(ChannelName(Array("cafe\u{301}".utf8)))
        #expect("caf\u{E9}" == "cafe\u{301}")
        #expect(composed != decomposed)
    }

    @Test("Each user has three reserved channels")
    func reserved() throws {
        let id = Array("anna".utf8)
        for (name, text) in [
            (PusherChannelNames.serverToUser(id), "#server-to-user-anna"),
            (PusherChannelNames.control(id), "#user-anna"),
            (PusherChannelNames.online(id), "#online-anna"),
        ] {
            let name = try #require(name)
            #expect(String(decoding: name.bytes, as: UTF8.self) == text)
            #expect(PusherChannelNames.isReserved(name))
        }
        for id in ["", "a b", "a#b", String(repeating: "a", count: 129)] {
            #expect(PusherChannelNames.control(Array(id.utf8)) == nil)
        }
        #expect(!PusherChannelNames.isReserved(try Cluster.name("room")))
    }

    @Test("The names of events")
    func events() {
        let limits = PusherLimits()
        func isValid(_ name: String) -> Bool { PusherEventName.isValid(Array(name.utf8), limits) }
        #expect(isValid("a") && isValid(String(repeating: "a", count: 200)) && isValid("App\\Events\\Said é"))
        #expect(!isValid("") && !isValid(String(repeating: "a", count: 201)) && !isValid("a\u{0}") && !isValid("a\n"))
        for name in ["pusher:x", "pusher_internal:x", "parley:position"] {
            #expect(PusherEventName.isReserved(Array(name.utf8)))
        }
        for name in ["pusher", "client-x", "Pusher:x"] { #expect(!PusherEventName.isReserved(Array(name.utf8))) }
        #expect(PusherEventName.isClientEvent(Array("client-x".utf8)))
        #expect(!PusherEventName.isClientEvent(Array("client-".utf8)))
    }
}
