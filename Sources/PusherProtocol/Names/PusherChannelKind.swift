public import Channels

/// What the name of a channel says about it, by its prefix; prefixes are compared as bytes.
///
/// | Prefix | Who may subscribe |
/// | --- | --- |
/// | none, `cache-` | everybody |
/// | `private-`, `private-cache-`, `private-encrypted-`, `private-encrypted-cache-` | who has a signature |
/// | `presence-`, `presence-cache-` | who has a signature, and is shown to the others |
/// | `#server-to-user-ID` | connections that are signed in as ID |
public struct PusherChannelKind: Hashable, Sendable {
    /// Who may subscribe.
    public enum Access: Hashable, Sendable {
        /// Everybody.
        case open
        /// Whoever has a signature of the app for it.
        case signed
        /// Connections that are signed in as the user that the name ends with.
        case user
    }

    /// Who may subscribe.
    public let access: Access
    /// Whether subscribers are present in the channel, and told of each other.
    public let isPresence: Bool
    /// Whether data is encrypted between the ends, and only passed on here.
    public let isEncrypted: Bool
    /// Whether subscribers are told the newest event first.
    public let isCache: Bool

    /// The kind of the channel `name`; `nil` when no client may have a channel of that name, and nobody may publish to
    /// it: not 1 to 164 bytes of `A-Z a-z 0-9 _ - = @ , . ;`, or reserved.
    public init?(_ name: some BidirectionalCollection<UInt8>) {
        guard (1...ChannelName.maximumBytes).contains(name.count) else { return nil }
        if name.starts(with: PusherChannelNames.serverToUserPrefix) {
            guard PusherUserID.isValid(name.dropFirst(PusherChannelNames.serverToUserPrefix.count)) else { return nil }
            self.init(access: .user)
            return
        }
        guard name.allSatisfy(Self.isAllowed) else { return nil }
        if name.starts(with: "presence-".utf8) {
            self.init(access: .signed, isPresence: true, isCache: name.starts(with: "presence-cache-".utf8))
        } else if name.starts(with: "private-encrypted-".utf8) {
            let isCache = name.starts(with: "private-encrypted-cache-".utf8)
            self.init(access: .signed, isEncrypted: true, isCache: isCache)
        } else if name.starts(with: "private-".utf8) {
            self.init(access: .signed, isCache: name.starts(with: "private-cache-".utf8))
        } else {
            self.init(access: .open, isCache: name.starts(with: "cache-".utf8))
        }
    }

    /// The kind of a channel; see ``init(_:)-(BidirectionalCollection<UInt8>)``.
    public init?(_ name: ChannelName) { self.init(name.bytes) }

    private init(access: Access, isPresence: Bool = false, isEncrypted: Bool = false, isCache: Bool = false) {
        self.access = access
        self.isPresence = isPresence
        self.isEncrypted = isEncrypted
        self.isCache = isCache
    }

    /// Whether clients may send events to each other there: signed channels whose data the server can read.
    public var allowsClientEvents: Bool { access == .signed && !isEncrypted }

    /// Whether a name may have the byte.
    static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "="),
            UInt8(ascii: "@"), UInt8(ascii: ","), UInt8(ascii: "."), UInt8(ascii: ";"):
            true
        default: false
        }
    }
}
