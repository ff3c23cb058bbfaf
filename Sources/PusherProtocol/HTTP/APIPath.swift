/// A path that belongs to the HTTP API: which application, what is asked, and which bytes of it are signed.
///
/// What stands before `/apps/` is the prefix under which a proxy shows the server; libraries sign without it.
struct APIPath {
    /// The application's id as it came; `nil` on the path without one that the Python library 3.3.4 uses to terminate
    /// connections: there the key tells the application.
    let app: Substring.UTF8View?
    /// What is asked; `nil` when the API has nothing under this path.
    let route: APIRoute?
    /// The part that is signed, as it came.
    let signed: Substring.UTF8View

    /// Takes a path apart; `nil` when it is none of the API's.
    init?(_ path: String) {
        let bytes = Substring(path).utf8
        var unknown: (app: Substring.UTF8View, signed: Substring.UTF8View)?
        var rest = bytes
        // The prefix may have a segment "apps" too: the first one counts that makes a route, or else the first.
        while let slash = rest.firstIndex(of: UInt8(ascii: "/")) {
            let signed = rest[slash...]
            rest = rest[rest.index(after: slash)...]
            guard let behind = Self.drop("/apps/", from: signed) else { continue }
            let end = behind.firstIndex(of: UInt8(ascii: "/")) ?? behind.endIndex
            let app = behind[..<end]
            guard !app.isEmpty else { continue }
            if end < behind.endIndex, let route = APIRoute(behind[behind.index(after: end)...]) {
                self.init(app: app, route: route, signed: signed)
                return
            }
            if unknown == nil { unknown = (app, signed) }
        }
        if let unknown {
            self.init(app: unknown.app, route: nil, signed: unknown.signed)
        } else if let signed = Self.threeLastSegments(of: bytes),
            case .terminateConnections(let user)? = APIRoute(signed.dropFirst())
        {
            self.init(app: nil, route: .terminateConnections(user), signed: signed)
        } else {
            return nil
        }
    }

    private init(app: Substring.UTF8View?, route: APIRoute?, signed: Substring.UTF8View) {
        self.app = app
        self.route = route
        self.signed = signed
    }

    private static func drop(_ prefix: StaticString, from path: Substring.UTF8View) -> Substring.UTF8View? {
        prefix.withUTF8Buffer { path.starts(with: $0) ? path.dropFirst($0.count) : nil }
    }

    private static func threeLastSegments(of path: Substring.UTF8View) -> Substring.UTF8View? {
        var end = path.endIndex
        for _ in 0..<3 {
            guard let slash = path[..<end].lastIndex(of: UInt8(ascii: "/")) else { return nil }
            end = slash
        }
        return path[end...]
    }
}
