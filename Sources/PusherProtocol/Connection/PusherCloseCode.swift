/// Why a connection is closed, or refused what it asked for, and what that makes clients do (spec: pusher-protocol §4).
///
/// 4000–4099: they stay away. 4100–4199: they come back after a second at least. 4200–4299: they come back at once.
/// 4300 and above only in errors: as a close code it would keep stock clients away for good.
public enum PusherCloseCode {
    /// 4001: no app has the key.
    public static let unknownApp: UInt16 = 4001
    /// 4003: the app is switched off.
    public static let disabledApp: UInt16 = 4003
    /// 4004: the app has as many connections as it may have.
    public static let overQuota: UInt16 = 4004
    /// 4005: the path leads nowhere.
    public static let unknownPath: UInt16 = 4005
    /// 4006: the client's version is none.
    public static let invalidVersion: UInt16 = 4006
    /// 4007: a version of the protocol that is not spoken here.
    public static let unsupportedProtocol: UInt16 = 4007
    /// 4008: no version of the protocol is named.
    public static let noProtocol: UInt16 = 4008
    /// 4009: no right to be here.
    public static let unauthorized: UInt16 = 4009
    /// 4100: the node ends or has no room, or the client sends too much for too long.
    public static let overCapacity: UInt16 = 4100
    /// 4200: come back at once; for single connections.
    public static let reconnect: UInt16 = 4200
    /// 4201: no answer to a ping; come back at once.
    public static let noPong: UInt16 = 4201
    /// 4301, in errors only: a client event is refused.
    public static let clientEventRefused: UInt16 = 4301
    /// 4302, in errors only: the watchlist was cut.
    public static let watchlistTooLong: UInt16 = 4302
    /// 1003: a binary message (RFC 6455 §7.4.1).
    public static let unsupportedData: UInt16 = 1003
    /// 1008: too many messages that are none (RFC 6455 §7.4.1).
    public static let policyViolation: UInt16 = 1008
}
