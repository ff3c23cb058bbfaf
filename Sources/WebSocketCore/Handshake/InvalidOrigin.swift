/// Why an entry of an allow-list of origins can not be used; see ``OriginPolicy/allowList(_:)``.
public struct InvalidOrigin: Error, Hashable, Sendable, CustomStringConvertible {
    private enum Kind: Hashable {
        case empty, everything, notPrintable, userInformation, path, wildcard, notAnOrigin
    }

    private let kind: Kind
    private let entry: String

    private init(_ kind: Kind, _ entry: String = "") {
        self.kind = kind
        self.entry = FieldSyntax.printable(entry)
    }

    /// The entry has no characters.
    static let empty = InvalidOrigin(.empty)
    /// The entry is a lone `*`.
    static let everything = InvalidOrigin(.everything, "*")
    /// The entry has a space, a control character or a character beyond ASCII.
    static func notPrintable(_ entry: String) -> InvalidOrigin { InvalidOrigin(.notPrintable, entry) }
    /// The entry has a user in front of the host.
    static func userInformation(_ entry: String) -> InvalidOrigin { InvalidOrigin(.userInformation, entry) }
    /// The entry has something behind host and port.
    static func path(_ entry: String) -> InvalidOrigin { InvalidOrigin(.path, entry) }
    /// The entry has a `*` elsewhere than as its whole left-most label.
    static func wildcard(_ entry: String) -> InvalidOrigin { InvalidOrigin(.wildcard, entry) }
    /// The host or the port of the entry is not valid.
    static func notAnOrigin(_ entry: String) -> InvalidOrigin { InvalidOrigin(.notAnOrigin, entry) }

    /// What is wrong and how to write it instead, in one line.
    public var description: String {
        if entry.utf8.contains(UInt8(ascii: ",")) {
            return "the allowed origin '\(entry)' has a comma in it; give each origin as an entry of its own"
        }
        switch kind {
        case .empty: return "an allowed origin is empty; write one like https://example.com"
        case .everything: return "'*' is no origin; to allow every origin, give no list at all"
        case .notPrintable:
            return "the allowed origin '\(entry)' has a space or a character beyond ASCII; "
                + "write the host as browsers send it (xn--…)"
        case .userInformation:
            return "the allowed origin '\(entry)' has a user in it; leave out everything up to the '@'"
        case .path:
            return "the allowed origin '\(entry)' has a path; an origin ends with the host or the port, "
                + "without a '/' behind it"
        case .wildcard:
            return "the allowed origin '\(entry)' has a '*' that is not a whole left-most label; "
                + "write it like https://*.example.com"
        case .notAnOrigin:
            return "the allowed origin '\(entry)' has no valid host or port; write it like https://example.com:8443"
        }
    }
}
