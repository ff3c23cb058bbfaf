import Channels
import PusherProtocol
import Testing

@Suite("Where clients connect (pusher-protocol §1, §4)", .timeLimit(.minutes(5)))
struct PusherHandshakeTests {
    private static func decide(
        _ path: String, _ query: String = "protocol=7&client=js&version=8.4.0&flash=false",
        _ cluster: Cluster = Cluster()
    ) -> String {
        switch PusherHandshake.decide(path: path, query: query, node: cluster.node) {
        case .notPusher: "not Pusher"
        case .accepted(let runtime, let version, _): "app \(runtime.app.id), \(version)"
        case .refused(let code, _): "\(code)"
        }
    }

    @Test(
        "The key selects the app, whatever stands before the path",
        arguments: [
            ("/app/key-1", "app 1, 7"), ("/app/key-2", "app 1, 7"), ("/app/other-key", "app 2, 7"),
            ("/pusher/app/key-1", "app 1, 7"), ("/a/b/c/app/key-1", "app 1, 7"), ("/app/app/key-1", "app 1, 7"),
            ("/app/key%2D1", "app 1, 7"), ("/app/key-3", "4001"), ("/app/KEY-1", "4001"), ("/app/", "4001"),
            ("/app/key-1/", "4005"), ("/app/key-1/x", "4005"), ("/app/key%2", "4005"), ("/app/key%252D1", "4001"),
            ("/", "not Pusher"), ("/chat", "not Pusher"), ("/app", "4005"), ("/application/key-1", "not Pusher"),
            ("", "not Pusher"),
        ])
    func paths(path: String, decision: String) { #expect(Self.decide(path) == decision) }

    @Test(
        "Protocols 5, 6 and 7 are spoken, others refused with 4007, none with 4008",
        arguments: [
            ("protocol=7", "app 1, 7"), ("protocol=6", "app 1, 6"), ("protocol=5", "app 1, 5"),
            ("client=Pysher&version=1.0.7&protocol=6", "app 1, 6"), ("protocol=4", "4007"), ("protocol=8", "4007"),
            ("protocol=77", "4007"), ("protocol=07", "4007"), ("protocol=-7", "4007"), ("protocol=seven", "4007"),
            ("protocol=99999999999999999999", "4007"), ("", "4008"), ("protocol=", "4008"), ("protocol", "4008"),
            ("client=js", "4008"), ("protocol=4&protocol=7", "app 1, 7"),
        ])
    func protocols(query: String, decision: String) { #expect(Self.decide("/app/key-1", query) == decision) }

    @Test(
        "A version that is none is refused with 4006",
        arguments: [
            ("8.4.0-rc2", "app 1, 7"), ("10", "app 1, 7"), ("", "4006"), ("x", "4006"), ("8.4.0 ", "4006"),
            (String(repeating: "1", count: 65), "4006"), ("8\u{E9}", "4006"),
        ])
    func versions(version: String, decision: String) {
        #expect(Self.decide("/app/key-1", "protocol=7&version=\(version)") == decision)
    }

    @Test(
        "A lenient app takes a connection without a protocol and a slash after its key, a strict one does not",
        arguments: [
            ("/app/key-1", "", "4008", "app 1, 7"), ("/app/key-1", "protocol=", "4008", "app 1, 7"),
            ("/app/key-1", "client=js", "4008", "app 1, 7"), ("/app/key-1/", "protocol=7", "4005", "app 1, 7"),
            ("/ws/app/key-2/", "", "4005", "app 1, 7"), ("/app/key-1/", "protocol=6", "4005", "app 1, 6"),
        ])
    func dialects(path: String, query: String, strict: String, lenient: String) {
        #expect(Self.decide(path, query) == strict)
        #expect(Self.decide(path, query, Cluster { $0.dialect = .lenient }) == lenient)
    }

    @Test(
        "A lenient app refuses everything else that a strict one refuses, and lets no key be another",
        arguments: [
            ("/app/key-1//", "", "4005"), ("/app/key-1/x", "", "4005"), ("/app/key-1/x/", "", "4005"),
            ("/app/key-1%2F", "", "4005"), ("/app/other-key", "", "4008"), ("/app/other-key/", "protocol=7", "4005"),
            ("/app/key-3", "", "4001"), ("/app/KEY-1", "", "4001"), ("/app/", "", "4001"), ("/app//", "", "4001"),
            ("/app/key-1", "protocol=4", "4007"), ("/app/key-1", "protocol=8", "4007"),
            ("/app/key-1", "protocol=07", "4007"), ("/app/key-1", "version=x", "4006"),
        ])
    func lenientRefusals(path: String, query: String, decision: String) {
        #expect(Self.decide(path, query, Cluster { $0.dialect = .lenient }) == decision)
    }

    @Test("What is told without a protocol names what to add")
    func words() {
        let decision = PusherHandshake.decide(path: "/app/key-1", query: "", node: Cluster().node)
        guard case .refused(_, let message) = decision else {
            Issue.record("not refused")
            return
        }
        #expect(message.contains("?protocol=7") && message.contains("lenient") && message.utf8.count <= 123)
    }

    @Test("A disabled app is refused with 4003")
    func disabled() {
        #expect(Self.decide("/app/key-1", "protocol=7", Cluster { $0.isEnabled = false }) == "4003")
    }

    @Test("Trap 4: a node that ends sends clients away with a code that lets them come back")
    func draining() {
        let cluster = Cluster()
        cluster.node.beginDraining()
        #expect(Self.decide("/app/key-1", "protocol=7", cluster) == "4100")
    }

    @Test("What is sent before the close has the code and is an object, which Pysher needs")
    func error() {
        let message = Message(PusherHandshake.error(code: 4001, message: "No \"app\""))
        #expect(message.event == "pusher:error")
        #expect(message.hasObject)
        #expect(message.code == 4001)
        #expect(message.object?["message"] as? String == "No \"app\"")
    }

    @Test(
        "A client that gives its name is known to be one that answers pusher:ping",
        arguments: [
            ("protocol=7&client=js", true), ("client=Pysher&protocol=6", true), ("protocol=7", false),
            ("protocol=7&client=", false), ("protocol=7&client", false), ("protocol=7&clients=js", false),
        ])
    func clientName(query: String, isNamed: Bool) {
        guard
            case .accepted(_, _, isNamed) = PusherHandshake.decide(
                path: "/app/key-1", query: query, node: Cluster().node)
        else {
            Issue.record("not accepted, or taken for something else")
            return
        }
    }
}
