import WebSocketCore

/// An entry of `allow_origin`, as an operator gives it.
enum AllowedOrigin {
    /// What is wrong with an entry, which no page's origin could ever match; `nil` when it is in order.
    static func problem(_ entry: String) -> String? {
        do throws(InvalidOrigin) {
            _ = try OriginPolicy.allowList([entry])
        } catch {
            return "\(error)."
        }
        // What else the library takes as it stands, no browser sends.
        guard entry != "null", entry != "file://" else { return nil }
        let shown = LogText.escaped(entry)
        guard let separator = entry.firstRange(of: "://") else {
            return "\(shown): an origin begins with the scheme; write it like https://\(shown)."
        }
        switch entry[..<separator.lowerBound].lowercased() {
        case "ws": return "\(shown): the origin of a page begins with http:// and not ws://."
        case "wss": return "\(shown): the origin of a page begins with https:// and not wss://."
        default: return nil
        }
    }
}
