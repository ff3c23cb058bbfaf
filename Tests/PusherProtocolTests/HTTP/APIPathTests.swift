import Testing

@testable import PusherProtocol

@Suite("The paths of the HTTP API", .timeLimit(.minutes(5)))
struct APIPathTests {
    @Test(
        "Each path of section 7 has its route",
        arguments: [
            ("events", APIRoute.events), ("batch_events", .batchEvents), ("channels", .channels),
            ("channels/a", .channel([0x61])), ("channels/a/users", .users([0x61])),
            ("channels/a/history", .history([0x61])), ("connections", .connections),
            ("users/u/terminate_connections", .terminateConnections([0x75])),
        ])
    func routes(rest: String, route: APIRoute) throws {
        for prefix in ["", "/ws", "/a/b/c", "/apps", "/apps/x"] {
            let path = try #require(APIPath("\(prefix)/apps/7/\(rest)"))
            #expect(path.route == route)
            #expect(path.app?.elementsEqual("7".utf8) == true)
            #expect(String(Substring(path.signed)) == "/apps/7/\(rest)")
        }
    }

    @Test(
        "What is under no route still belongs to the API, so that the answer is an error it understands",
        arguments: [
            "/apps/1", "/apps/1/", "/apps/1/event", "/apps/1/events/", "/apps/1/channels/", "/apps/1/channels//users/x",
            "/apps/1/channels/a/b", "/apps/1/users/a", "/apps/1/x/users/a/terminate_connections", "/apps/1/EVENTS",
        ])
    func unknown(path: String) throws {
        let path = try #require(APIPath(path))
        #expect(path.route == nil || path.route == .channel([]))
    }

    @Test(
        "Other paths are not the API's",
        arguments: [
            "", "/", "/chat", "/app/key", "/apps", "/apps/", "/apps//events", "apps/1/events", "/users/a", "/xapps/1/y",
        ])
    func foreign(path: String) { #expect(APIPath(path) == nil) }

    @Test("The Python library's path without an app is known, signed as it is after any prefix")
    func withoutApp() throws {
        for prefix in ["", "/ws"] {
            let path = try #require(APIPath("\(prefix)/users/u1/terminate_connections"))
            #expect(path.app == nil)
            #expect(path.route == .terminateConnections(Array("u1".utf8)))
            #expect(String(Substring(path.signed)) == "/users/u1/terminate_connections")
        }
    }

    @Test("Row 117: names in the path are decoded once; what is signed is not")
    func decoding() throws {
        let once = try #require(APIPath("/apps/1/channels/private%2Dx"))
        #expect(once.route == .channel(Array("private-x".utf8)))
        #expect(String(Substring(once.signed)) == "/apps/1/channels/private%2Dx")
        let twice = try #require(APIPath("/apps/1/channels/private%252Dx"))
        #expect(twice.route == .channel(Array("private%2Dx".utf8)))
        let slash = try #require(APIPath("/apps/1/channels/a%2Fusers"))
        #expect(slash.route == .channel(Array("a/users".utf8)))
    }
}
