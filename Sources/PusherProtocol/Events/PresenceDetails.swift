import Channels

/// What members of a presence channel are told of a user besides its id; what an ``Channels/Identity`` of this protocol
/// has for details: one byte, and the user's `user_info` as JSON, as the app has signed it.
struct PresenceDetails: Hashable, Sendable {
    private static let numberMark = UInt8(ascii: "n")
    private static let textMark = UInt8(ascii: "t")

    /// Whether the app has written the id as a number. It is told as it was written.
    let isNumber: Bool
    /// JSON; an empty object for a user without.
    let info: ArraySlice<UInt8>

    init(_ identity: Identity) {
        isNumber = identity.details.first == Self.numberMark
        info = identity.details.count > 1 ? identity.details.dropFirst() : Self.noInfo
    }

    /// The identity of a user.
    ///
    /// - Parameters:
    ///   - id: of a number its digits.
    ///   - info: JSON, or nothing.
    static func identity(id: [UInt8], isNumber: Bool, info: [UInt8]) -> Identity {
        Identity(id: id, details: [isNumber ? numberMark : textMark] + info)
    }

    private static let noInfo = ArraySlice("{}".utf8)

    /// Appends the id as the app has written it.
    func append(id: [UInt8], to writer: inout JSONWriter) {
        if isNumber { writer.raw(id) } else { writer.string(id) }
    }
}
