import Channels

/// The `channel_data` of a presence channel, after its signature has been found good: who is present.
enum PresenceData {
    /// Reads `{"user_id": text or whole number, "user_info": anything}`.
    static func identity(_ data: [UInt8], _ limits: PusherLimits) throws(SubscriptionProblem) -> Identity {
        let text = data.span.bytes
        let object: JSONValue
        do throws(EnvelopeError) {
            object = try EnvelopeReader.read(text)
        } catch {
            throw .invalid("The channel_data is not understood. \(error.text)")
        }
        guard let member = EnvelopeReader.member("user_id", of: object, in: text),
            let user = UserIDValue(member, in: text)
        else { throw .invalid("The channel_data needs a user_id: a string or a whole number of at most 64 bits.") }
        let id = user.id
        guard !id.isEmpty, id.count <= min(limits.userIDBytes, PusherUserID.maximumBytes) else {
            throw .invalid("The user_id is empty, or longer than \(limits.userIDBytes) bytes.")
        }
        let info = EnvelopeReader.member("user_info", of: object, in: text)
        let hasInfo = info.map { $0.kind != .null } ?? false
        guard let info, hasInfo else {
            return PresenceDetails.identity(id: id, isNumber: user.isNumber, info: [])
        }
        guard info.range.count <= limits.userInfoBytes else {
            throw .invalid("The user_info is longer than \(limits.userInfoBytes) bytes.")
        }
        return PresenceDetails.identity(
            id: id, isNumber: user.isNumber, info: EnvelopeReader.raw(info, in: text))
    }
}
