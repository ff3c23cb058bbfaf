/// The `user_data` of a sign-in, after its signature has been found good (spec: pusher-protocol §5.8).
struct UserData: Hashable, Sendable {
    /// The user's id, see ``PusherUserID``.
    let id: [UInt8]
    /// What the user shows of itself, as JSON; empty for nothing.
    let info: [UInt8]
    /// The ids of the users that it watches, each once.
    let watchlist: [[UInt8]]
    /// Whether the list was longer than allowed; it is cut then.
    let isWatchlistCut: Bool

    /// Reads `{"id": ID, "user_info": anything, "watchlist": [ID…]}`; an ID is a string or a whole number.
    static func read(_ data: [UInt8], _ limits: PusherLimits) throws(SignInProblem) -> UserData {
        let text = data.span.bytes
        let object: JSONValue
        do throws(EnvelopeError) {
            object = try EnvelopeReader.read(text)
        } catch {
            throw .invalid("The user_data is not understood. \(error.text)")
        }
        guard let value = EnvelopeReader.member("id", of: object, in: text),
            let id = UserIDValue(value, in: text)?.id, PusherUserID.isValid(id), id.count <= limits.userIDBytes
        else {
            throw .invalid(
                "The user_data needs an id: a string of 1 to \(limits.userIDBytes) letters, digits and _-=@,.;")
        }
        let info = EnvelopeReader.member("user_info", of: object, in: text)
        let infoText = info.map { $0.kind == .null ? [] : EnvelopeReader.raw($0, in: text) } ?? []
        guard infoText.count <= limits.userInfoBytes else {
            throw .invalid("The user_info is longer than \(limits.userInfoBytes) bytes.")
        }
        let (watchlist, isCut) = try watchlist(of: object, in: text, limits)
        return UserData(id: id, info: infoText, watchlist: watchlist, isWatchlistCut: isCut)
    }

    private static func watchlist(
        of object: JSONValue, in text: RawSpan, _ limits: PusherLimits
    ) throws(SignInProblem) -> (ids: [[UInt8]], isCut: Bool) {
        guard let list = EnvelopeReader.member("watchlist", of: object, in: text), list.kind != .null else {
            return ([], false)
        }
        guard list.kind == .array else { throw .invalid("The watchlist is no array.") }
        var ids: [[UInt8]] = []
        var elements = JSONElements(of: list)
        var count = 0
        while let element = elements.next(in: text) {
            guard count < limits.watchlistUsers else { return (ids, true) }
            count += 1
            guard let id = UserIDValue(element, in: text)?.id, PusherUserID.isValid(id) else {
                throw .invalid("The watchlist has something that is no user's id.")
            }
            if !ids.contains(id) { ids.append(id) }
        }
        return (ids, false)
    }
}
