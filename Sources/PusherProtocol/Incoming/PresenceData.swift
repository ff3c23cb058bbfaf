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
        guard let user = EnvelopeReader.member("user_id", of: object, in: text), let id = id(user, in: text) else {
            throw .invalid("The channel_data needs a user_id, which is a string or a whole number.")
        }
        guard !id.isEmpty, id.count <= min(limits.userIDBytes, PusherUserID.maximumBytes) else {
            throw .invalid("The user_id is empty, or longer than \(limits.userIDBytes) bytes.")
        }
        let info = EnvelopeReader.member("user_info", of: object, in: text)
        let hasInfo = info.map { $0.kind != .null } ?? false
        guard let info, hasInfo else {
            return PresenceDetails.identity(id: id, isNumber: user.kind == .number, info: [])
        }
        guard info.range.count <= limits.userInfoBytes else {
            throw .invalid("The user_info is longer than \(limits.userInfoBytes) bytes.")
        }
        return PresenceDetails.identity(
            id: id, isNumber: user.kind == .number, info: EnvelopeReader.raw(info, in: text))
    }

    /// A user's id as text. Of a number its digits: only whole numbers that every client writes alike count, since
    /// clients make them the names of an object's members.
    private static func id(_ value: JSONValue, in text: RawSpan) -> [UInt8]? {
        switch value.kind {
        case .string: return EnvelopeReader.string(value, in: text)
        case .number:
            let digits = EnvelopeReader.raw(value, in: text)
            guard let number = Int(String(decoding: digits, as: UTF8.self)), number.magnitude < 1 << 53,
                digits.elementsEqual(String(number).utf8)
            else { return nil }
            return digits
        default: return nil
        }
    }
}
