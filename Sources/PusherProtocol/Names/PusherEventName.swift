/// The rules for the names of events.
public enum PusherEventName {
    static let clientPrefix = Array("client-".utf8)

    /// Whether `name` may be the name of an event: not empty, no longer than the limit, without control characters.
    ///
    /// - Parameter name: UTF-8.
    public static func isValid(_ name: [UInt8], _ limits: PusherLimits) -> Bool {
        !name.isEmpty && name.count <= limits.eventNameBytes && !name.contains { $0 < 0x20 || $0 == 0x7F }
    }

    /// Whether only the server itself may send an event of this name: it begins with `pusher:`, `pusher_internal:` or
    /// `parley:`.
    public static func isReserved(_ name: [UInt8]) -> Bool {
        name.starts(with: "pusher:".utf8) || name.starts(with: "pusher_internal:".utf8)
            || name.starts(with: "parley:".utf8)
    }

    /// Whether it is the name of an event that clients send to each other.
    public static func isClientEvent(_ name: [UInt8]) -> Bool {
        name.count > clientPrefix.count && name.starts(with: clientPrefix)
    }
}
