import Channels
import PusherProtocol
import Testing

@Suite("The signatures of the HTTP API", .timeLimit(.minutes(5)))
struct APISignatureTests {
    static let body = #"{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}"#
    static let signature = "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c"
    static let query = """
        auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0\
        &body_md5=ec365a775a4cd0599faeb73354201b6f
        """

    private func request(
        method: String = "POST", path: String = "/apps/3/events", query: String? = nil, body: String = Self.body
    ) -> PusherAPIRequest {
        PusherAPIRequest(
            method: method, path: path, query: query ?? Self.query + "&auth_signature=" + Self.signature,
            body: Array(body.utf8))
    }

    private func status(_ request: PusherAPIRequest, _ server: APIServer = APIServer()) -> Int {
        server.respond(to: request).status
    }

    @Test("Section 6: the vector of the documentation is accepted, and the event is published as it says")
    func vector() throws {
        let server = APIServer()
        let (listener, _) = try server.listener(in: "project-3")
        #expect(
            Answer(server.respond(to: request()))
                == Answer(
                    .init(
                        status: 200, fields: [("content-type", "application/json"), ("cache-control", "no-store")],
                        body: Array("{}".utf8))))
        server.shard.drain()
        #expect(listener.take() == [#"{"event":"foo","channel":"project-3","data":"{\"some\":\"data\"}"}"#])
    }

    @Test("The signer of these tests makes the vector too")
    func signer() {
        let query = Signer().request("POST", "/apps/3/events", body: Self.body).query
        #expect(query.hasSuffix("&auth_signature=" + Self.signature))
        #expect(query.contains("&body_md5=ec365a775a4cd0599faeb73354201b6f"))
    }

    @Test("Row 136: a signature that differs in any digit, the first or the last, is 401")
    func wrongDigit() {
        let server = APIServer()
        for index in 0..<64 {
            var digits = Array(Self.signature.utf8)
            digits[index] = digits[index] == 0x30 ? 0x31 : 0x30
            let query = Self.query + "&auth_signature=" + String(decoding: digits, as: UTF8.self)
            #expect(status(request(query: query), server) == 401, "digit \(index)")
        }
        #expect(status(request(), server) == 200)
    }

    @Test(
        "Row 137: a signature that is an array, empty, there twice, no hexadecimal number or in capitals is 401",
        arguments: [
            "", "&auth_signature", "&auth_signature=", "&auth_signature[]=\(signature)",
            "&auth_signature%5B%5D=\(signature)", "&auth_signature[0]=\(signature)",
            "&auth_signature=\(signature)&auth_signature=\(signature)",
            "&auth_signature=\(signature)&AUTH_SIGNATURE=\(signature)",
            "&auth_signature=\(signature.uppercased())", "&auth_signature=\(signature)0",
            "&auth_signature=\(signature.dropLast())", "&auth_signature=\(signature.dropLast(2))zz",
            "&auth_signature=\(signature.dropLast())%00", "&auth_signature=%FF\(signature.dropFirst())",
        ])
    func malformed(suffix: String) {
        #expect(status(request(query: Self.query + suffix)) == 401)
    }

    @Test(
        "Row 137: what else has to be signed is there once and as it should be, or it is 401",
        arguments: [
            "auth_timestamp=1353088179&auth_version=1.0", "auth_key=278d425bdf160c739803&auth_version=1.0",
            "auth_key=278d425bdf160c739803&auth_timestamp=1353088179",
            "auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.1",
            "auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=",
            "auth_key=278d425bdf160c739803&auth_timestamp=&auth_version=1.0",
            "auth_key=278d425bdf160c739803&auth_timestamp=-1&auth_version=1.0",
            "auth_key=278d425bdf160c739803&auth_timestamp=1353088179.0&auth_version=1.0",
            "auth_key=278d425bdf160c739803&auth_timestamp=99999999999999999999999&auth_version=1.0",
            "auth_key=278d425bdf160c739803&auth_timestamp=18446744073709551615&auth_version=1.0",
            "auth_key=278d425bdf160c739803&auth_timestamp=0&auth_version=1.0",
            "auth_key=&auth_timestamp=1353088179&auth_version=1.0",
            "auth_key=other&auth_timestamp=1353088179&auth_version=1.0",
        ])
    func incomplete(query: String) {
        let text = "GET\n/apps/3/channels\n\(query)"
        let signature = PusherSignature.sign(Array(text.utf8), with: APIServer.key.secret)
        let signed = query + "&auth_signature=" + String(decoding: signature, as: UTF8.self)
        #expect(status(request(method: "GET", path: "/apps/3/channels", query: signed, body: "")) == 401)
    }

    @Test("Row 138: a timestamp may be 600 seconds away from the clock, on both sides, and no second more")
    func window() {
        for (second, expected) in [
            (APIServer.second - 600, 200), (APIServer.second + 600, 200), (APIServer.second - 601, 401),
            (APIServer.second + 601, 401),
        ] {
            let signer = Signer(second: second)
            #expect(status(signer.request("GET", "/apps/3/channels")) == expected, "\(second)")
        }
    }

    @Test("Row 138: a captured publish is 401 after 11 minutes; a second later it is published again")
    func replay() throws {
        let server = APIServer()
        let (listener, _) = try server.listener(in: "project-3")
        #expect(status(request(), server) == 200)
        server.pass(milliseconds: 1_000)
        #expect(status(request(), server) == 200)
        server.pass(milliseconds: 660_000)
        #expect(status(request(), server) == 401)
        server.shard.drain()
        #expect(listener.take().count == 2)
    }

    @Test("Row 138: with refuse_replay a signature is accepted once, and one more parameter makes it another one")
    func refusesReplay() throws {
        let server = APIServer { $0.refusesReplay = true }
        let (listener, _) = try server.listener(in: "project-3")
        #expect(status(request(), server) == 200)
        let again = Answer(server.respond(to: request()))
        #expect(again.status == 401)
        #expect(again.body.contains("used before"))
        server.pass(milliseconds: 599_000)
        #expect(status(request(), server) == 401)
        server.pass(milliseconds: 61_000)
        #expect(status(request(), server) == 401)
        #expect(status(Signer(second: APIServer.second + 660).request("GET", "/apps/3/channels"), server) == 200)
        let another = Signer(second: APIServer.second + 660)
            .request("POST", "/apps/3/events", query: "nonce=1", body: Self.body)
        #expect(status(another, server) == 200)
        #expect(status(another, server) == 401)
        server.shard.drain()
        #expect(listener.take().count == 2)
    }

    @Test("A request that is refused before, for its signature or for its rate, does not use up a signature")
    func refusedIsNotUsed() {
        let server = APIServer {
            $0.refusesReplay = true
            $0.limits.requestsPerSecond = 1
        }
        var wrong = request()
        wrong.body.append(0x20)
        #expect(status(wrong, server) == 401)
        #expect(status(Signer().request("GET", "/apps/3/connections"), server) == 200)
        #expect(status(request(), server) == 429)
        server.pass(milliseconds: 1_000)
        #expect(status(request(), server) == 200)
    }

    @Test("Row 139: the digest of the body is there and right, or it is 401; also for a body that was changed")
    func digest() {
        var signer = Signer()
        signer.sendsDigest = false
        #expect(status(signer.request("POST", "/apps/3/events", body: Self.body)) == 401)
        #expect(status(request(body: Self.body + " ")) == 401)
        #expect(status(request(body: "")) == 401)
        #expect(status(request(body: Self.body.replacing("some", with: "same"))) == 401)
        let capitals = Signer(sendsDigest: false).request(
            "POST", "/apps/3/events", query: "body_md5=EC365A775A4CD0599FAEB73354201B6F", body: Self.body)
        #expect(status(capitals) == 401)
    }

    @Test("Row 139: a GET with a body is 401, whether or not the body is signed")
    func getWithBody() {
        #expect(status(Signer().request("GET", "/apps/3/channels", body: "{}")) == 401)
        var signer = Signer()
        signer.sendsDigest = false
        #expect(status(signer.request("GET", "/apps/3/channels", body: "{}")) == 401)
    }

    @Test("Section 6: the Python library sends the digest of nothing with a GET; it is signed and has to be right")
    func digestOfNothing() {
        let digest = "body_md5=d41d8cd98f00b204e9800998ecf8427e"
        #expect(status(Signer().request("GET", "/apps/3/channels", query: digest)) == 200)
        #expect(status(Signer().request("GET", "/apps/3/channels", query: digest.replacing("d41", with: "d42"))) == 401)
        // Reverb drops it from what it signs: a library that has not signed it is refused.
        #expect(status(Signer().request("GET", "/apps/3/channels", query: digest, signedQuery: "")) == 401)
    }

    @Test("A POST without a body needs no digest")
    func emptyPost() {
        #expect(status(Signer().request("POST", "/apps/3/users/7/terminate_connections")) == 200)
    }

    @Test("Trap 2 of section 12: a path prefix is not signed")
    func prefix() {
        let body = Self.body
        for prefix in ["/ws", "/a/b", "/apps"] {
            let signed = Signer().request(
                "POST", prefix + "/apps/3/events", signedPath: "/apps/3/events", body: body)
            #expect(status(signed) == 200)
            #expect(status(Signer().request("POST", prefix + "/apps/3/events", body: body)) == 401)
        }
    }

    @Test("Row 117: what is signed is the path as it was sent, encoded or not")
    func rawPath() {
        let sent = "/apps/3/channels/presence%2Dx/users"
        #expect(status(Signer().request("GET", sent)) == 200)
        #expect(status(Signer().request("GET", sent, signedPath: "/apps/3/channels/presence-x/users")) == 401)
        #expect(status(Signer().request("GET", "/apps/3/channels/presence%252Dx/users")) == 400)
    }

    @Test("Section 6: arrays in the query are signed joined with commas, other values decoded")
    func decodedQuery() {
        for (sent, signed) in [
            (
                "info[]=user_count&info[]=subscription_count&filter_by_prefix=presence-",
                "filter_by_prefix=presence-&info=user_count,subscription_count"
            ),
            ("info%5B0%5D=subscription_count", "info=subscription_count"),
            ("filter_by_prefix=%70resence%2D", "filter_by_prefix=presence-"),
            ("FILTER_BY_PREFIX=a", "filter_by_prefix=a"),
        ] {
            #expect(
                status(Signer().request("GET", "/apps/3/channels", query: sent, signedQuery: signed)) == 200, "\(sent)")
        }
        #expect(status(Signer().request("GET", "/apps/3/channels", query: "a=1%262", signedQuery: "a=1&2")) == 401)
    }

    @Test("Any key of an app signs with its own secret, and no other")
    func severalKeys() {
        let second = PusherKey(key: "k2", secret: "s2")
        let server = APIServer { $0.keys.append(second) }
        #expect(status(Signer(key: second).request("GET", "/apps/3/channels"), server) == 200)
        #expect(status(Signer().request("GET", "/apps/3/channels"), server) == 200)
        let mixed = PusherKey(key: "k2", secret: APIServer.key.secret)
        #expect(status(Signer(key: mixed).request("GET", "/apps/3/channels"), server) == 401)
    }

    @Test("Row 125: the key of one app is 401 on the routes of another, and nothing is published there")
    func otherApp() throws {
        let other = PusherApp(id: "4", name: "four", keys: [PusherKey(key: "k4", secret: "s4")])
        let server = APIServer(others: [other])
        let (listener, _) = try server.listener(in: "project-3")
        let request = Signer(key: other.keys[0]).request("POST", "/apps/3/events", body: Self.body)
        #expect(status(request, server) == 401)
        // Its own channels of that name are others.
        let own = Signer(key: other.keys[0]).request("POST", "/apps/4/events", body: Self.body)
        #expect(status(own, server) == 200)
        server.shard.drain()
        #expect(listener.take().isEmpty)
    }

    @Test("Section 7: an unknown app is 404, a disabled one 403 for those who have its secret and 401 for others")
    func apps() {
        #expect(status(Signer().request("GET", "/apps/9/channels")) == 404)
        let server = APIServer { $0.isEnabled = false }
        #expect(status(Signer().request("GET", "/apps/3/channels"), server) == 403)
        let stranger = PusherKey(key: APIServer.key.key, secret: "guess")
        #expect(status(Signer(key: stranger).request("GET", "/apps/3/channels"), server) == 401)
    }
}
