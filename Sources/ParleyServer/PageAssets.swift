import WebSocketNIO

/// The chat page: its files are part of the binary.
enum PageAssets {
    /// Nothing inline, nothing from elsewhere, no frame around it; what people write can not become markup.
    private static let contentSecurityPolicy = """
        default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
        base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'
        """

    private static let files: [String: HTTPAnswer] = [
        "/": asset(PackageResources.index_html, "text/html; charset=utf-8"),
        "/room.js": script(PackageResources.room_js),
        "/connection.js": script(PackageResources.connection_js),
        "/elements.js": script(PackageResources.elements_js),
        "/frame.js": script(PackageResources.frame_js),
        "/log.js": script(PackageResources.log_js),
        "/people.js": script(PackageResources.people_js),
        "/scan.js": script(PackageResources.scan_js),
        "/strings.js": script(PackageResources.strings_js),
        "/room.css": asset(PackageResources.room_css, "text/css; charset=utf-8"),
        "/icon.svg": asset(PackageResources.icon_svg, "image/svg+xml"),
    ]

    /// The client library: pages on any site may load it.
    private static let libraries: [String: HTTPAnswer] = [
        "/parley.js": library(PackageResources.parley_js, "text/javascript; charset=utf-8"),
        "/parley.d.ts": library(PackageResources.parley_d_ts, "text/plain; charset=utf-8"),
    ]

    /// The client library's file at a path.
    static func library(at path: Substring) -> HTTPAnswer? { libraries[String(path)] }

    /// The file at a path, with its headers.
    static func answer(for path: Substring) -> HTTPAnswer? { files[String(path)] }

    private static func script(_ bytes: [UInt8]) -> HTTPAnswer { asset(bytes, "text/javascript; charset=utf-8") }

    private static func library(_ bytes: [UInt8], _ type: String) -> HTTPAnswer {
        HTTPAnswer(
            status: 200,
            fields: [
                ("Content-Type", type), ("Cache-Control", "no-cache"), ("X-Content-Type-Options", "nosniff"),
                ("Access-Control-Allow-Origin", "*"),
            ],
            body: bytes)
    }

    private static func asset(_ bytes: [UInt8], _ type: String) -> HTTPAnswer {
        HTTPAnswer(
            status: 200,
            fields: [
                ("Content-Type", type), ("Cache-Control", "no-cache"), ("X-Content-Type-Options", "nosniff"),
                ("Referrer-Policy", "no-referrer"), ("Content-Security-Policy", contentSecurityPolicy),
            ],
            body: bytes)
    }
}
