import Channels
import PusherProtocol
import Testing

/// What clients and back ends of other servers send, and only a lenient app takes.
@Suite("The dialects of apps", .timeLimit(.minutes(5)))
struct DialectTests {
    private static let otherKey = PusherKey(key: "other-key", secret: "other-secret")

    /// The app 3 in a dialect, and a strict app 4.
    private func server(_ dialect: PusherDialect) -> APIServer {
        APIServer(others: [PusherApp(id: "4", name: "four", keys: [Self.otherKey])]) { $0.dialect = dialect }
    }

    private func event(_ channel: String = "c") -> String { #"{"name":"n","channel":"\#(channel)","data":"d"}"# }

    /// A request as webman's `Api` signs it: without a version.
    private func unversioned(
        _ method: String = "POST", _ path: String = "/apps/3/events", body: String, key: PusherKey = APIServer.key,
        secret: Secret? = nil, second: UInt64 = APIServer.second, signedBody: String? = nil, version: String = ""
    ) -> PusherAPIRequest {
        var query = "auth_key=\(key.key)&auth_timestamp=\(second)\(version)"
        if !body.isEmpty {
            let digest = PusherSignature.bodyDigest(Array((signedBody ?? body).utf8))
            query += "&body_md5=" + String(decoding: digest, as: UTF8.self)
        }
        let text = "\(method)\n\(path)\n\(query)"
        let signature = PusherSignature.sign(Array(text.utf8), with: secret ?? key.secret)
        return PusherAPIRequest(
            method: method, path: path, query: query + "&auth_signature=" + String(decoding: signature, as: UTF8.self),
            body: Array(body.utf8))
    }

    @Test("A signature needs no auth_version in a lenient app, and needs it in a strict one")
    func version() {
        for (dialect, status) in [(PusherDialect.strict, 401), (.lenient, 200)] {
            let server = server(dialect)
            #expect(server.respond(to: unversioned(body: event())).status == status)
            #expect(server.respond(to: unversioned("GET", "/apps/3/channels", body: "")).status == status)
            #expect(server.post("/apps/3/events", event()).status == 200)
            for other in ["&auth_version=", "&auth_version=1.1", "&auth_version[]=1.0"] {
                #expect(server.respond(to: unversioned(body: event(), version: other)).status == 401, "\(other)")
            }
        }
    }

    @Test("The key chooses a lenient app, whatever id the path has; that of a strict app is its own")
    func app() throws {
        let lenient = server(.lenient)
        let (listener, _) = try lenient.listener(in: "c")
        for id in ["1024", "3", "4", "x", "%2e"] {
            #expect(lenient.post("/apps/\(id)/events", event()).status == 200, "\(id)")
            lenient.shard.drain()
            #expect(listener.take().count == 1, "\(id)")
        }
        let strict = server(.strict)
        #expect(strict.post("/apps/1024/events", event()).status == 404)
        #expect(strict.post("/apps/4/events", event()).status == 401)
    }

    @Test("The path as it was sent is what was signed")
    func signedPath() {
        let server = server(.lenient)
        let request = Signer().request("POST", "/apps/1024/events", signedPath: "/apps/3/events", body: event())
        #expect(server.respond(to: request).status == 401)
        let prefixed = Signer().request("POST", "/x/apps/1024/events", signedPath: "/apps/1024/events", body: event())
        #expect(server.respond(to: prefixed).status == 200)
    }

    @Test("Another app's key, another app's secret and a request without a signature are refused in a lenient app too")
    func strangers() {
        for dialect in [PusherDialect.strict, .lenient] {
            let server = server(dialect)
            func status(_ request: PusherAPIRequest) -> Int { server.respond(to: request).status }
            #expect(status(Signer(key: Self.otherKey).request("POST", "/apps/3/events", body: event())) == 401)
            #expect(status(unversioned(body: event(), key: Self.otherKey)) == 401)
            #expect(status(unversioned(body: event(), secret: Self.otherKey.secret)) == 401)
            #expect(status(unversioned(body: event(), key: PusherKey(key: "nobody", secret: "s"))) == 401)
            for path in ["/apps/3/events", "/apps/1024/events"] {
                #expect(status(PusherAPIRequest(method: "POST", path: path, body: Array(event().utf8))) == 401)
                let keyOnly = "auth_key=\(APIServer.key.key)&auth_timestamp=\(APIServer.second)"
                #expect(status(PusherAPIRequest(method: "POST", path: "/apps/3/events", query: keyOnly)) == 401)
            }
        }
    }

    @Test("A lenient app checks the timestamp, the digest of the body, every digit, and names as a strict one does")
    func unrelaxed() {
        let server = server(.lenient)
        func status(_ request: PusherAPIRequest) -> Int { server.respond(to: request).status }
        for second in [APIServer.second - 601, APIServer.second + 601, 0] {
            #expect(status(unversioned(body: event(), second: second)) == 401)
        }
        #expect(status(unversioned(body: event(), signedBody: event("other"))) == 401)
        var digitChanged = unversioned(body: event())
        digitChanged.query = String(digitChanged.query.dropLast()) + (digitChanged.query.last == "0" ? "1" : "0")
        #expect(status(digitChanged) == 401)
        var withoutDigest = unversioned("POST", body: "")
        withoutDigest.body = Array(event().utf8)
        #expect(status(withoutDigest) == 401)
        #expect(status(unversioned(body: event("#x"))) == 400)
        #expect(status(unversioned(body: #"{"name":"pusher:x","channel":"c","data":""}"#)) == 400)
    }

    @Test("An unsigned request hears that it is unsigned and what to send, on any app's path")
    func unsigned() {
        for path in ["/apps/3/events", "/apps/9/events", "/apps/3/channels", "/users/u/terminate_connections"] {
            let method = path.hasSuffix("channels") ? "GET" : "POST"
            for query in ["", "info=position"] {
                let answer = Answer(
                    server(.strict).respond(to: PusherAPIRequest(method: method, path: path, query: query)))
                #expect(answer.status == 401)
                for word in [
                    "not signed", "auth_key", "auth_timestamp", "auth_version", "body_md5", "auth_signature",
                    "libraries",
                ] { #expect(answer.body.contains(word), "\(path): \(word)") }
            }
        }
        let half = PusherAPIRequest(method: "GET", path: "/apps/3/channels", query: "auth_key=\(APIServer.key.key)")
        #expect(!Answer(server(.strict).respond(to: half)).body.contains("not signed"))
    }
}
