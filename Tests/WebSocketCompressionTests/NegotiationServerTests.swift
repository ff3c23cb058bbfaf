import Testing
import WebSocketCore

@testable import WebSocketCompression

@Suite("RFC 7692 §7.1: a server answers offers", .timeLimit(.minutes(5)))
struct NegotiationServerTests {
    private func answer(_ offers: String, _ configuration: DeflateConfiguration) throws -> String? {
        let elements = try ExtensionElement.parse([offers])
        return DeflateNegotiation.accept(offers: elements, configuration: configuration)?.response.description
    }

    @Test(
        "With windows of its own it confirms what is demanded and takes every hint (§7.1.1, §7.1.2)",
        arguments: [
            ("permessage-deflate", "permessage-deflate"),
            ("permessage-deflate; client_max_window_bits", "permessage-deflate"),
            ("permessage-deflate; client_max_window_bits=15", "permessage-deflate"),
            ("permessage-deflate; client_max_window_bits=10", "permessage-deflate; client_max_window_bits=10"),
            ("permessage-deflate; client_max_window_bits=8", "permessage-deflate; client_max_window_bits=8"),
            ("permessage-deflate; client_max_window_bits=\"9\"", "permessage-deflate; client_max_window_bits=9"),
            ("permessage-deflate; server_max_window_bits=9", "permessage-deflate; server_max_window_bits=9"),
            ("permessage-deflate; server_max_window_bits=15", "permessage-deflate; server_max_window_bits=15"),
            ("permessage-deflate; server_no_context_takeover", "permessage-deflate; server_no_context_takeover"),
            ("permessage-deflate; client_no_context_takeover", "permessage-deflate; client_no_context_takeover"),
            (
                "permessage-deflate; client_max_window_bits=12; server_max_window_bits=11; "
                    + "client_no_context_takeover; server_no_context_takeover",
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
                    + "server_max_window_bits=11; client_max_window_bits=12"
            ),
        ])
    func dedicated(offer: String, expected: String) throws {
        #expect(try answer(offer, DeflateConfiguration(mode: .dedicated)) == expected)
    }

    @Test("The agreed parameters are those of the response")
    func parameters() throws {
        let offers = try ExtensionElement.parse([
            "permessage-deflate; client_max_window_bits=12; server_max_window_bits=11; client_no_context_takeover"
        ])
        let accepted = try #require(
            DeflateNegotiation.accept(offers: offers, configuration: DeflateConfiguration(mode: .dedicated)))
        #expect(
            accepted.parameters
                == DeflateParameters(
                    serverNoContextTakeover: false, clientNoContextTakeover: true,
                    serverMaxWindowBits: 11, clientMaxWindowBits: 12))
        #expect(!accepted.parameters.contextTakeover(sentBy: .client))
        #expect(accepted.parameters.contextTakeover(sentBy: .server))
        #expect(accepted.parameters.windowBits(sentBy: .client) == 12)
        #expect(accepted.parameters.windowBits(sentBy: .server) == 11)
    }

    @Test("With shared streams it rules out context takeover both ways, asked or not (§7.1.1)")
    func shared() throws {
        let expected = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
        let configuration = DeflateConfiguration(mode: .shared)
        #expect(try answer("permessage-deflate", configuration) == expected)
        #expect(try answer("permessage-deflate; client_max_window_bits", configuration) == expected)
        #expect(try answer("permessage-deflate; server_no_context_takeover", configuration) == expected)
    }

    @Test(
        "Its own limits make windows smaller; the client's only if the client offers it (§7.1.2.1, §7.1.2.2)",
        arguments: [
            ("permessage-deflate", "permessage-deflate; server_max_window_bits=12"),
            (
                "permessage-deflate; client_max_window_bits",
                "permessage-deflate; server_max_window_bits=12; client_max_window_bits=11"
            ),
            (
                "permessage-deflate; client_max_window_bits=14; server_max_window_bits=13",
                "permessage-deflate; server_max_window_bits=12; client_max_window_bits=11"
            ),
            (
                "permessage-deflate; client_max_window_bits=9; server_max_window_bits=10",
                "permessage-deflate; server_max_window_bits=10; client_max_window_bits=9"
            ),
        ])
    func limited(offer: String, expected: String) throws {
        let configuration = DeflateConfiguration(mode: .dedicated, serverMaxWindowBits: 12, clientMaxWindowBits: 11)
        #expect(try answer(offer, configuration) == expected)
        let offers = try ExtensionElement.parse(["permessage-deflate"])
        let accepted = try #require(DeflateNegotiation.accept(offers: offers, configuration: configuration))
        #expect(accepted.parameters.clientMaxWindowBits == 15)
    }

    static let unacceptable = [
        "permessage-deflate; unknown", "permessage-deflate; Server_no_context_takeover",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
        "permessage-deflate; client_max_window_bits; client_max_window_bits",
        "permessage-deflate; client_max_window_bits=10; client_max_window_bits",
        "permessage-deflate; server_no_context_takeover=1", "permessage-deflate; client_no_context_takeover=true",
        "permessage-deflate; server_max_window_bits", "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16", "permessage-deflate; server_max_window_bits=010",
        "permessage-deflate; server_max_window_bits=+10", "permessage-deflate; server_max_window_bits=-10",
        "permessage-deflate; server_max_window_bits=ten",
        "permessage-deflate; server_max_window_bits=99999999999999999999",
        "permessage-deflate; client_max_window_bits=7", "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_max_window_bits=09", "permessage-deflate; client_max_window_bits=1_0",
        "permessage-deflate; server_max_window_bits=8",
    ]

    @Test(
        "An offer that is malformed, or asks for the window that zlib does not have, is declined (§7.1)",
        arguments: unacceptable)
    func declined(offer: String) throws {
        for mode in [CompressionMode.shared, .dedicated] {
            #expect(try answer(offer, DeflateConfiguration(mode: mode)) == nil)
        }
    }

    @Test("The next acceptable offer is taken instead, in the client's order (§5)", arguments: unacceptable)
    func fallback(offer: String) throws {
        let answer = try answer(
            "x-other, \(offer), permessage-deflate; server_max_window_bits=10, permessage-deflate",
            DeflateConfiguration(mode: .dedicated))
        #expect(answer == "permessage-deflate; server_max_window_bits=10")
    }

    @Test("An empty value is not the absence of one")
    func emptyValue() {
        let offer = ExtensionElement(
            name: "permessage-deflate", parameters: [.init(name: "client_max_window_bits", value: "")])
        #expect(
            DeflateNegotiation.accept(offers: [offer], configuration: DeflateConfiguration(mode: .dedicated)) == nil)
    }

    @Test("Nothing is accepted when it is off, or not offered")
    func off() throws {
        #expect(try answer("permessage-deflate", DeflateConfiguration()) == nil)
        #expect(try answer("permessage-deflate", DeflateConfiguration(mode: .off)) == nil)
        #expect(try answer("x-webkit-deflate-frame, other", DeflateConfiguration(mode: .dedicated)) == nil)
        #expect(DeflateNegotiation.accept(offers: [], configuration: DeflateConfiguration(mode: .shared)) == nil)
    }

    @Test("The modes have the names of the command line, and off is the default")
    func modes() {
        #expect(CompressionMode.allCases.map(\.rawValue) == ["off", "shared", "dedicated"])
        #expect(DeflateConfiguration().mode == .off)
    }

    @Test("A configuration out of range is moved into it")
    func clamped() {
        let low = DeflateConfiguration(
            mode: .shared, level: -1, memoryLevel: 0, serverMaxWindowBits: 8, clientMaxWindowBits: -5)
        #expect(low.level == 0 && low.memoryLevel == 1)
        #expect(low.serverMaxWindowBits == 9 && low.clientMaxWindowBits == 9)
        let high = DeflateConfiguration(
            mode: .shared, level: 10, memoryLevel: 10, serverMaxWindowBits: 16, clientMaxWindowBits: .max)
        #expect(high.level == 9 && high.memoryLevel == 9)
        #expect(high.serverMaxWindowBits == 15 && high.clientMaxWindowBits == 15)
    }
}
