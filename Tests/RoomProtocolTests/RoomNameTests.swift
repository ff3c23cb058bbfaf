import Channels
import RoomProtocol
import Testing

@Suite("Room names", .timeLimit(.minutes(5)))
struct RoomNameTests {
    @Test(
        "?room=NAME selects a room; without a name it is the lobby",
        arguments: [
            ("", "lobby"), ("room=", "lobby"), ("room", "lobby"), ("x=1", "lobby"), ("room=lobby", "lobby"),
            ("room=tea", "tea"), ("a=1&room=tea&b=2", "tea"), ("room=tea&room=milk", "milk"), ("ro%6Fm=tea", "tea"),
            ("room=%E5%A4%A7%E5%8E%85", "\u{5927}\u{5385}"), ("room=a+b", "a b"), ("Room=tea", "lobby"),
        ])
    func names(query: String, room: String) {
        #expect(RoomName.channel(inQuery: Array(query.utf8).span.bytes)?.bytes == Array(room.utf8))
    }

    @Test(
        "A name in which people see nothing, or with a character that turns the direction of text, is none",
        arguments: [
            "\u{202E}", "%20", "+", "\u{200B}\u{200D}\u{FEFF}", "\u{3000}\u{2003}", "%07", "\u{3164}", "\u{2800}",
            "\u{FE0F}",
            "\u{E0061}", "tea\u{202E}", "\u{2066}tea\u{2069}", "\u{200F}tea", "t\u{061C}ea",
        ])
    func invisible(name: String) {
        #expect(RoomName.channel(inQuery: Array("room=\(name)".utf8).span.bytes) == nil)
    }

    @Test(
        "Invisible characters beside visible ones are part of a name",
        arguments: [
            "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}", "\u{2764}\u{FE0F}",
            "\u{0646}\u{0645}\u{06CC}\u{200C}\u{062E}",
            "\u{1F3F4}\u{E0067}\u{E0062}\u{E007F}", "\u{5927}\u{3000}\u{5385}", "-", "\u{FFFD}",
        ])
    func partlyInvisible(name: String) {
        let query = Array("room=\(name)".utf8)
        #expect(RoomName.channel(inQuery: query.span.bytes)?.bytes == Array(name.utf8))
    }

    @Test("A name of more than 164 bytes is none", arguments: [(164, true), (165, false)])
    func length(bytes: Int, isName: Bool) {
        let query = Array(("room=" + String(repeating: "a", count: bytes)).utf8)
        #expect((RoomName.channel(inQuery: query.span.bytes) != nil) == isName)
    }
}
