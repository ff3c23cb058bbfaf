import Channels
import Testing

@Suite("Channel names", .timeLimit(.minutes(5)))
struct ChannelNameTests {
    @Test("A name is 1 to 164 bytes long", arguments: [(0, false), (1, true), (164, true), (165, false)])
    func length(bytes: Int, isName: Bool) {
        #expect((ChannelName([UInt8](repeating: 97, count: bytes)) != nil) == isName)
    }

    @Test("Two spellings of one character are two channels")
    func comparedAsBytes() throws {
        #expect("\u{E9}" == "e\u{301}")
        #expect(try channelName("\u{E9}") != channelName("e\u{301}"))
    }
}
