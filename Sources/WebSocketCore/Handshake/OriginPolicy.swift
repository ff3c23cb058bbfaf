/// Which pages may connect, by the `Origin` field that their browser sends (RFC 6455 §4.2.2, §10.2).
///
/// The default is ``any``: nothing here trusts a cookie, so a page of another origin gains nothing from a visitor's
/// browser. A request without `Origin` does not come from a page and is always allowed.
public struct OriginPolicy: Sendable, Hashable {
    private enum Entry: Hashable {
        /// Scheme, host and port are the same.
        case exact(Origin)
        /// As `exact`, with one more label in front of the host.
        case anyLabel(before: Origin)
        /// The text is the same, byte for byte.
        case verbatim(String)
    }

    /// `nil` when every origin is allowed.
    private let entries: [Entry]?

    private init(entries: [Entry]?) { self.entries = entries }

    /// Allows every origin.
    public static let any = OriginPolicy(entries: nil)

    /// Allows the origins of a list, and no others; an empty list refuses every page.
    ///
    /// An entry is one of
    /// - `scheme://host` or `scheme://host:port`: compared by scheme, host and port, after the entry was put in lower
    ///   case; a port that is the scheme's own one may be written or not. Browsers send origins in lower case
    ///   (RFC 6454 §6.2): one with capitals does not match;
    /// - `scheme://*.host` or `scheme://*.host:port`: any host with exactly one label more on its left;
    /// - `null`, or any other text without `://`: compared as it stands. A page in a file sends `null`.
    ///
    /// Throws an ``InvalidOrigin`` that names the first entry that is none of these.
    public static func allowList(_ entries: [String]) throws(InvalidOrigin) -> OriginPolicy {
        var parsed: [Entry] = []
        for entry in entries { parsed.append(try parse(entry)) }
        return OriginPolicy(entries: parsed)
    }

    /// Whether a request with these `Origin` lines is allowed; more than one line never is when there is a list.
    public func allows(_ origins: [String]) -> Bool {
        guard let entries, let text = origins.first else { return true }
        guard origins.count == 1 else { return false }
        let origin = Origin(text)
        let parent = origin.flatMap(Self.withoutFirstLabel)
        return entries.contains { entry in
            switch entry {
            case .exact(let allowed): return allowed == origin
            case .anyLabel(let allowed): return allowed == parent
            case .verbatim(let allowed): return FieldSyntax.equal(allowed, text)
            }
        }
    }

    private static func parse(_ entry: String) throws(InvalidOrigin) -> Entry {
        guard !entry.isEmpty else { throw .empty }
        guard entry != "*" else { throw .everything }
        guard entry.utf8.allSatisfy(FieldSyntax.isVisible) else { throw .notPrintable(entry) }
        guard let (scheme, rest) = Origin.split(entry) else {
            guard !entry.utf8.contains(UInt8(ascii: "*")) else { throw .wildcard(entry) }
            guard !entry.utf8.contains(UInt8(ascii: "/")) else { throw .path(entry) }
            return .verbatim(entry)
        }
        // Pages in a file send `file://` in some embedded browsers.
        guard !rest.isEmpty else { return .verbatim(entry) }
        guard !rest.utf8.contains(where: { [UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#")].contains($0) })
        else { throw .path(entry) }
        guard !rest.utf8.contains(UInt8(ascii: "@")) else { throw .userInformation(entry) }
        let hasWildcard = rest.hasPrefix("*.")
        let host = hasWildcard ? rest.dropFirst(2) : rest
        guard !host.utf8.contains(UInt8(ascii: "*")) else { throw .wildcard(entry) }
        guard let origin = Origin(scheme + "://" + FieldSyntax.lowercased(host)) else { throw .notAnOrigin(entry) }
        return hasWildcard ? .anyLabel(before: origin) : .exact(origin)
    }

    /// The origin whose host lacks the left-most label; `nil` when that label is empty or the only one.
    private static func withoutFirstLabel(_ origin: Origin) -> Origin? {
        guard let dot = origin.host.utf8.firstIndex(of: UInt8(ascii: ".")), dot != origin.host.startIndex else {
            return nil
        }
        var parent = origin
        parent.host = String(origin.host[dot...].dropFirst())
        return parent
    }
}
