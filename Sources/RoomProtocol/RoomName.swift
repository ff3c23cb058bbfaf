public import Channels

/// Which room a client asks for: `?room=NAME` in the address of its WebSocket.
public enum RoomName {
    /// Where clients meet that ask for no room: `lobby`.
    public static let lobby = "lobby"

    /// The room that a query (without its `?`) asks for.
    ///
    /// Decoded like a message: `%XX` and `+` count, bytes that are no UTF-8 become U+FFFD, the last `room` wins, an empty
    /// one is the lobby. `nil` for a name of more than ``Channels/ChannelName/maximumBytes``, for one without a character
    /// that people see, and for one with a character that turns the direction of text (U+202E and the like).
    public static func channel(inQuery query: RawSpan) -> ChannelName? {
        var name: [UInt8] = []
        var form = FormDecoder()
        while let pair = form.next(in: query) {
            if FormDecoder.decode(pair.key, of: query).elementsEqual("room".utf8) {
                name = FormDecoder.decode(pair.value, of: query)
            }
        }
        guard !name.isEmpty else { return ChannelName(lobby.utf8) }
        guard let channel = ChannelName(name), NameCharacters.areVisible(in: name),
            !NameCharacters.turnText(in: name[...])
        else { return nil }
        return channel
    }
}
