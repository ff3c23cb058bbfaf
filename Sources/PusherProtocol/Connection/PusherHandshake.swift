public import WebSocketCore

/// Decides what becomes of a WebSocket request by its path and query (spec: pusher-protocol §1).
public enum PusherHandshake {
    /// What is to be done.
    public enum Decision: Sendable {
        /// The path is not one of this protocol.
        case notPusher
        /// A connection to an app; the version is 5, 6 or 7. A client that gives its name is a library, which answers
        /// `pusher:ping`.
        case accepted(PusherAppRuntime, protocolVersion: Int, namesClient: Bool)
        /// To be answered with 101 all the same, then ``PusherHandshake/error(code:message:)``, then closed with the
        /// code: clients can read nothing else.
        case refused(code: UInt16, message: String)

        fileprivate static let wrongPath = Decision.refused(
            code: PusherCloseCode.unknownPath, message: "No app is at this path: it is /app/KEY.")
    }

    /// Decides. The path is `/app/KEY` with anything before it; of the query `protocol`, `version` and `client` count.
    /// What a ``PusherDialect/lenient`` app accepts besides is said there.
    ///
    /// - Parameters:
    ///   - path: as it came, without the query.
    ///   - query: as it came, without the `?`.
    public static func decide(path: some StringProtocol, query: some StringProtocol, node: PusherNode) -> Decision {
        let marker = Array("/app/".utf8)
        let (path, query) = (Array(path.utf8), Array(query.utf8))
        guard let start = path.indices.last(where: { path[$0...].starts(with: marker) }) else {
            // A client whose key was forgotten.
            let isMeant = path.suffix(4).elementsEqual(marker.dropLast()) && value(of: "protocol", in: query) != nil
            return isMeant ? .wrongPath : .notPusher
        }
        let rest = path[(start + marker.count)...]
        let hasSlash = rest.last == UInt8(ascii: "/")
        guard let key = decode(hasSlash ? rest.dropLast() : rest), !key.contains(UInt8(ascii: "/")) else {
            return .wrongPath
        }
        guard let runtime = node.runtime(keyBytes: key) else {
            return .refused(code: PusherCloseCode.unknownApp, message: "No app has this key. Please check it.")
        }
        let isLenient = runtime.app.dialect == .lenient
        guard isLenient || !hasSlash else { return .wrongPath }
        guard runtime.app.isEnabled else {
            return .refused(code: PusherCloseCode.disabledApp, message: "This app is switched off.")
        }
        let named = value(of: "protocol", in: query) ?? []
        guard isLenient || !named.isEmpty else {
            return .refused(
                code: PusherCloseCode.noProtocol,
                message: "The address names no protocol: add ?protocol=7, or set this app's dialect to lenient.")
        }
        guard let version = named.isEmpty ? 7 : version(named) else {
            return .refused(
                code: PusherCloseCode.unsupportedProtocol, message: "This server speaks the protocols 5, 6 and 7.")
        }
        if let client = value(of: "version", in: query), !isVersion(client) {
            return .refused(
                code: PusherCloseCode.invalidVersion,
                message: "The version of the client is not written like 8.4.0: numbers with dots.")
        }
        guard !node.isDraining else {
            return .refused(code: PusherCloseCode.overCapacity, message: "This server ends. Please come back soon.")
        }
        let client = value(of: "client", in: query) ?? []
        return .accepted(runtime, protocolVersion: version, namesClient: !client.isEmpty)
    }

    /// Whether a request target is that of a client of this protocol: for servers without apps.
    public static func isMeant(by target: String) -> Bool {
        let path = target.utf8.prefix { $0 != UInt8(ascii: "?") }
        let query = Array(target.utf8.dropFirst(path.count + 1))
        let names = path.split(separator: UInt8(ascii: "/"))
        return names.contains { $0.elementsEqual("app".utf8) } && value(of: "protocol", in: query) != nil
    }

    /// The message that comes before the close of a connection which is refused.
    public static func error(code: UInt16, message: String) -> SharedFrame { PusherMessages.error(code, message) }

    private static func version(_ text: ArraySlice<UInt8>) -> Int? {
        guard text.count == 1, let digit = text.first, 0x35...0x37 ~= digit else { return nil }
        return Int(digit - 0x30)
    }

    /// Digits first, then whatever versions are made of; 64 bytes at most.
    private static func isVersion(_ text: ArraySlice<UInt8>) -> Bool {
        guard let first = text.first, 0x30...0x39 ~= first, text.count <= 64 else { return false }
        return text.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), 0x30...0x39,
                UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "+"), UInt8(ascii: "%"):
                true
            default: false
            }
        }
    }

    /// The value of the last pair of that name, as it came.
    private static func value(of name: String, in query: [UInt8]) -> ArraySlice<UInt8>? {
        var found: ArraySlice<UInt8>?
        for pair in query.split(separator: UInt8(ascii: "&")) {
            let key = pair.prefix { $0 != UInt8(ascii: "=") }
            if key.elementsEqual(name.utf8) { found = pair.dropFirst(key.count + 1) }
        }
        return found
    }

    /// Percent-decodes once; `nil` for what is malformed.
    private static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        guard text.contains(UInt8(ascii: "%")) else { return Array(text) }
        var bytes: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = rest.prefix(2)
            guard digits.count == 2, digits.first != UInt8(ascii: "+"),
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
            else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return bytes
    }
}
