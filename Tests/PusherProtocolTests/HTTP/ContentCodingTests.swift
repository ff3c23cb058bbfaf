import Channels
import PusherProtocol
import Synchronization
import Testing

/// What becomes of a body that says how it is encoded. The inflater here only reverses bytes, or fails.
@Suite("Encoded bodies of the HTTP API", .timeLimit(.minutes(5)))
struct ContentCodingTests {
    private static let body = #"{"name":"n","channel":"c","data":"d"}"#

    private final class Calls: Sendable {
        let maxima = Mutex<[Int]>([])
    }

    private func api(
        _ server: APIServer, _ calls: Calls = Calls(), _ outcome: PusherAPI.InflatedBody? = nil
    ) -> PusherAPI {
        PusherAPI(node: server.node) { body, maximum in
            calls.maxima.withLock { $0.append(maximum) }
            return outcome ?? .whole(body.reversed())
        }
    }

    private func answer(_ api: PusherAPI, _ request: PusherAPIRequest, coding: String?) -> Answer {
        var request = request
        request.contentEncoding = coding
        let answers = Mutex<[PusherAPIResponse]>([])
        api.respond(to: request) { answer in answers.withLock { $0.append(answer) } }
        return Answer(answers.withLock { $0.first } ?? PusherAPIResponse(status: 0, fields: [], body: []))
    }

    @Test("identity counts as absent, however it is written")
    func identity() {
        let server = APIServer()
        for coding in [nil, "identity", "Identity", "IDENTITY"] {
            let request = Signer().request("POST", "/apps/3/events", body: Self.body)
            #expect(answer(server.api, request, coding: coding).status == 200)
        }
    }

    @Test(
        "Anything but gzip and identity is 415, the empty value too, and names the codings that would do",
        arguments: ["", "br", "deflate", "x-gzip", "gzip, gzip", "identity, gzip", "gzip;q=1", "gzıp", "GZ\u{130}P"])
    func unknown(coding: String) {
        let server = APIServer()
        let request = Signer().request("POST", "/apps/3/events", body: Self.body)
        let answer = answer(api(server), request, coding: coding)
        #expect(answer.status == 415)
        #expect(answer.fields["accept-encoding"] == "gzip, identity")
    }

    @Test("The signature and the digest are of the bytes as they were sent")
    func signedAsSent() throws {
        let server = APIServer()
        let (listener, _) = try server.listener(in: "c")
        let sent = String(Self.body.reversed())
        for coding in ["gzip", "GZip"] {
            let request = Signer().request("POST", "/apps/3/events", body: sent)
            #expect(answer(api(server), request, coding: coding).status == 200)
        }
        server.shard.drain()
        #expect(listener.take().count == 2)
        var other = Signer().request("POST", "/apps/3/events", body: Self.body)
        other.body.reverse()
        #expect(answer(api(server), other, coding: "gzip").status == 401)
    }

    @Test("Nothing is inflated for a request that is not signed, or that is too fast")
    func onlySigned() {
        let server = APIServer { $0.limits.requestsPerSecond = 1 }
        let calls = Calls()
        let api = api(server, calls)
        let request = Signer().request("POST", "/apps/3/events", body: String(Self.body.reversed()))
        var changed = request
        changed.body.append(0)
        #expect(answer(api, changed, coding: "gzip").status == 401)
        changed.query = ""
        #expect(answer(api, changed, coding: "gzip").status == 401)
        #expect(calls.maxima.withLock { $0.isEmpty })
        #expect(answer(api, request, coding: "gzip").status == 200)
        #expect(answer(api, request, coding: "gzip").status == 429)
        #expect(calls.maxima.withLock { $0.count } == 1)
    }

    @Test("It may be inflated to 20 times its size, and to no more than the limit of a body")
    func maximum() {
        let server = APIServer { $0.limits.requestBytes = 1_000 }
        let calls = Calls()
        for count in [1, 50, 51, 1_000] {
            let request = Signer().request("POST", "/apps/3/events", body: String(repeating: "x", count: count))
            #expect(answer(api(server, calls, .tooLong), request, coding: "gzip").status == 413)
        }
        #expect(calls.maxima.withLock { $0 } == [20, 1_000, 1_000, 1_000])
        let tooLong = Signer().request("POST", "/apps/3/events", body: String(repeating: "x", count: 1_001))
        #expect(answer(api(server, calls), tooLong, coding: "gzip").status == 413)
        #expect(calls.maxima.withLock { $0.count } == 4)
    }

    @Test("What is no gzip is 400; without a body nothing is inflated; without an inflater gzip is 415")
    func others() {
        let server = APIServer()
        let calls = Calls()
        let request = Signer().request("POST", "/apps/3/events", body: Self.body)
        #expect(answer(api(server, calls, .malformed), request, coding: "gzip").status == 400)
        let get = Signer().request("GET", "/apps/3/channels")
        #expect(answer(api(server, calls, .malformed), get, coding: "gzip").status == 200)
        #expect(calls.maxima.withLock { $0.count } == 1)
        #expect(answer(server.api, request, coding: "gzip").status == 415)
    }

    @Test("A repetition may be compressed in another way: what it says makes it the same request")
    func idempotency() throws {
        let server = APIServer()
        let (listener, _) = try server.listener(in: "c")
        let api = api(server)
        var plain = Signer().request("POST", "/apps/3/events", body: Self.body)
        plain.idempotencyKey = "K"
        var compressed = Signer().request("POST", "/apps/3/events", body: String(Self.body.reversed()))
        compressed.idempotencyKey = "K"
        #expect(answer(api, plain, coding: nil).status == 200)
        #expect(answer(api, compressed, coding: "gzip").status == 200)
        server.shard.drain()
        #expect(listener.take().count == 1)
    }
}
