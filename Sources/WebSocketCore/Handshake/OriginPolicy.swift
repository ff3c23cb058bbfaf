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

    /// The names under which a page may be the server's own: one whose origin is the host that its request asks.
    public enum OwnNames: Sendable, Hashable {
        /// None: the list alone counts.
        case none
        /// Those that no stranger's DNS can point here: addresses, `localhost`, and these, in lower case; and any name in
        /// an `https` origin, since a stranger has no certificate of this server.
        case vouched([String])
        /// Any. A page whose owner points its name at this server (DNS rebinding) is its own then.
        case any
    }

    /// `nil` when every origin is allowed.
    private let entries: [Entry]?
    /// Which pages are the server's own, besides the list. Default ``OwnNames/none``.
    public var ownNames = OwnNames.none

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
    ///
    /// - Parameter host: the request's `Host`, for ``ownNames``.
    public func allows(_ origins: [String], host: String? = nil) -> Bool {
        guard let entries, let text = origins.first else { return true }
        guard origins.count == 1 else { return false }
        let origin = Origin(text)
        if let origin, let host, isOwn(origin, host) { return true }
        let parent = origin.flatMap(Self.withoutFirstLabel)
        return entries.contains { entry in
            switch entry {
            case .exact(let allowed): return allowed == origin
            case .anyLabel(let allowed): return allowed == parent
            case .verbatim(let allowed): return FieldSyntax.equal(allowed, text)
            }
        }
    }

    /// Whether a page comes from the host, and the port, that its request asks.
    private func isOwn(_ origin: Origin, _ host: String) -> Bool {
        guard ownNames != .none, origin.scheme == "http" || origin.scheme == "https" else { return false }
        guard Origin("\(origin.scheme)://\(FieldSyntax.lowercased(host[...]))") == origin else { return false }
        switch ownNames {
        case .none: return false
        case .any: return true
        case .vouched(let names):
            return origin.scheme == "https" || origin.host.utf8.first == UInt8(ascii: "[")
                // What has digits and dots alone is an address to every browser.
                || origin.host.utf8.allSatisfy { FieldSyntax.isDigit($0) || $0 == UInt8(ascii: ".") }
                || origin.host == "localhost" || origin.host.hasSuffix(".localhost") || names.contains(origin.host)
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
