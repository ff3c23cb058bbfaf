import Channels
import RoomProtocol
import Testing

@Suite("Room names")
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

    @Test("A name of more than 164 bytes is none", arguments: [(164, true), (165, false)])
    func length(bytes: Int, isName: Bool) {
        let query = Array(("room=" + String(repeating: "a", count: bytes)).utf8)
        #expect((RoomName.channel(inQuery: query.span.bytes) != nil) == isName)
    }
}
