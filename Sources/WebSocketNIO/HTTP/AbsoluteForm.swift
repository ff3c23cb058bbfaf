import WebSocketCore

/// A request target in absolute form, as a client sends it to a proxy; a server has to take it (RFC 9112 §3.2.2).
struct AbsoluteForm {
    /// What stands between the scheme and the path: it counts instead of the `Host` field.
    let authority: String
    /// The target in origin form: path and query, `/` at least.
    let origin: String

    /// Takes a target apart; `nil` when it does not begin with `http://` or `https://`.
    init?(_ target: String) {
        let bytes = target.utf8
        guard let scheme = ["http://", "https://"].first(where: { Self.has(bytes, prefix: $0.utf8) }) else {
            return nil
        }
        let rest = bytes.dropFirst(scheme.utf8.count)
        let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
        authority = String(Substring(rest[..<end]))
        let path = String(Substring(rest[end...]))
        origin = path.utf8.first == UInt8(ascii: "/") ? path : "/" + path
    }

    /// Makes the request one in origin form; `false`, and nothing changes, when the authority is malformed.
    func rewrite(_ request: inout OpeningRequest) -> Bool {
        var rewritten = request
        rewritten.target = origin
        var fields = HeaderFields(
            request.fields.all.filter { $0.name.utf8.count != 4 || $0.name.lowercased() != "host" })
        fields.append("Host", authority)
        rewritten.fields = fields
        guard rewritten.hasValidHost else { return false }
        request = rewritten
        return true
    }

    private static func has(_ bytes: String.UTF8View, prefix: String.UTF8View) -> Bool {
        let start = bytes.prefix(prefix.count)
        return start.count == prefix.count && zip(start, prefix).allSatisfy { $0 == $1 || $0 | 0x20 == $1 && $1 > 0x60 }
    }
}
