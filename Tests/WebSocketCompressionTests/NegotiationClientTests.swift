import Testing
import WebSocketCore

@testable import WebSocketCompression

@Suite("RFC 7692 §7.1: a client offers and checks the answer", .timeLimit(.minutes(5)))
struct NegotiationClientTests {
    private func confirm(_ response: String, offered: String?) throws -> DeflateParameters? {
        try DeflateNegotiation.confirm(
            response: try ExtensionElement.parse([response]),
            offered: try offered.flatMap { try ExtensionElement.parse([$0]).first })
    }

    @Test("It offers client_max_window_bits, and no context takeover when it shares streams (§7.1.2.2)")
    func offers() {
        #expect(DeflateNegotiation.offer(DeflateConfiguration(mode: .off)) == nil)
        #expect(
            DeflateNegotiation.offer(DeflateConfiguration(mode: .dedicated))?.description
                == "permessage-deflate; client_max_window_bits")
        #expect(
            DeflateNegotiation.offer(DeflateConfiguration(mode: .shared))?.description
                == "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits")
        #expect(
            DeflateNegotiation.offer(
                DeflateConfiguration(mode: .dedicated, serverMaxWindowBits: 10, clientMaxWindowBits: 11))?.description
                == "permessage-deflate; server_max_window_bits=10; client_max_window_bits=11")
    }

    @Test("What a server of ours answers is confirmed with the same parameters", arguments: [9, 12, 15], [9, 11, 15])
    func bothSides(serverBits: Int, clientBits: Int) throws {
        for mode in [CompressionMode.shared, .dedicated] {
            let configuration = DeflateConfiguration(
                mode: mode, serverMaxWindowBits: serverBits, clientMaxWindowBits: clientBits)
            for server in [configuration, DeflateConfiguration(mode: .shared), DeflateConfiguration(mode: .dedicated)] {
                let offer = try #require(DeflateNegotiation.offer(configuration))
                let accepted = try #require(DeflateNegotiation.accept(offers: [offer], configuration: server))
                let confirmed = try DeflateNegotiation.confirm(response: [accepted.response], offered: offer)
                #expect(confirmed == accepted.parameters)
            }
        }
    }

    @Test(
        "Every parameter of a valid answer counts",
        arguments: [
            ("permessage-deflate", DeflateParameters()),
            ("permessage-deflate; server_no_context_takeover", DeflateParameters(serverNoContextTakeover: true)),
            ("permessage-deflate; client_no_context_takeover", DeflateParameters(clientNoContextTakeover: true)),
            ("permessage-deflate; server_max_window_bits=8", DeflateParameters(serverMaxWindowBits: 8)),
            ("permessage-deflate; server_max_window_bits=15", DeflateParameters()),
            ("permessage-deflate; client_max_window_bits=9", DeflateParameters(clientMaxWindowBits: 9)),
            ("permessage-deflate; client_max_window_bits=8", DeflateParameters(clientMaxWindowBits: 8)),
            (
                "permessage-deflate; client_max_window_bits=10; server_max_window_bits=11; "
                    + "server_no_context_takeover; client_no_context_takeover",
                DeflateParameters(
                    serverNoContextTakeover: true, clientNoContextTakeover: true,
                    serverMaxWindowBits: 11, clientMaxWindowBits: 10)
            ),
        ])
    func valid(response: String, expected: DeflateParameters) throws {
        #expect(try confirm(response, offered: "permessage-deflate; client_max_window_bits") == expected)
    }

    @Test("An empty answer declines")
    func declined() throws {
        #expect(try confirm("", offered: "permessage-deflate") == nil)
        #expect(try confirm("", offered: nil) == nil)
    }

    @Test("Without an answer to its hints it keeps to them itself (§7.1.1.2, §7.1.2.2)")
    func hints() throws {
        let parameters = try confirm(
            "permessage-deflate", offered: "permessage-deflate; client_no_context_takeover; client_max_window_bits=11")
        #expect(parameters == DeflateParameters(clientNoContextTakeover: true, clientMaxWindowBits: 11))
    }

    static let failures: [(String, DeflateNegotiationError)] = [
        ("x-other", .extensionNotOffered),
        ("permessage-deflate, x-other", .extensionNotOffered),
        ("permessage-deflate, permessage-deflate", .repeatedExtension),
        ("permessage-deflate; unknown", .unknownParameter),
        ("permessage-deflate; server_no_context_takeover; server_no_context_takeover", .repeatedParameter),
        ("permessage-deflate; client_no_context_takeover; client_no_context_takeover", .repeatedParameter),
        ("permessage-deflate; server_max_window_bits=9; server_max_window_bits=9", .repeatedParameter),
        ("permessage-deflate; client_max_window_bits=9; client_max_window_bits=9", .repeatedParameter),
        ("permessage-deflate; server_no_context_takeover=0", .invalidValue),
        ("permessage-deflate; client_no_context_takeover=0", .invalidValue),
        ("permessage-deflate; client_max_window_bits", .invalidValue),
        ("permessage-deflate; server_max_window_bits", .invalidValue),
        ("permessage-deflate; client_max_window_bits=16", .invalidValue),
        ("permessage-deflate; server_max_window_bits=7", .invalidValue),
        ("permessage-deflate; server_max_window_bits=08", .invalidValue),
    ]

    @Test("A malformed answer fails the connection (§7.1)", arguments: failures)
    func malformed(response: String, error: DeflateNegotiationError) {
        #expect(throws: error) { try confirm(response, offered: "permessage-deflate; client_max_window_bits") }
    }

    @Test("An answer that does not fit the offer fails the connection (§7.1.1.1, §7.1.2)")
    func mismatch() {
        #expect(throws: DeflateNegotiationError.extensionNotOffered) { try confirm("permessage-deflate", offered: nil) }
        #expect(throws: DeflateNegotiationError.parameterMissing) {
            try confirm("permessage-deflate", offered: "permessage-deflate; server_no_context_takeover")
        }
        #expect(throws: DeflateNegotiationError.parameterMissing) {
            try confirm("permessage-deflate", offered: "permessage-deflate; server_max_window_bits=10")
        }
        #expect(throws: DeflateNegotiationError.windowLargerThanOffered) {
            try confirm(
                "permessage-deflate; server_max_window_bits=11",
                offered: "permessage-deflate; server_max_window_bits=10")
        }
        #expect(throws: DeflateNegotiationError.parameterNotOffered) {
            try confirm("permessage-deflate; client_max_window_bits=10", offered: "permessage-deflate")
        }
        #expect(throws: DeflateNegotiationError.windowLargerThanOffered) {
            try confirm(
                "permessage-deflate; client_max_window_bits=12",
                offered: "permessage-deflate; client_max_window_bits=11")
        }
    }

    @Test("Every error says what happened and what to do, each in words of its own")
    func descriptions() {
        let errors: [DeflateNegotiationError] = [
            .extensionNotOffered, .repeatedExtension, .unknownParameter, .repeatedParameter, .invalidValue,
            .parameterMissing, .parameterNotOffered, .windowLargerThanOffered,
        ]
        let texts = errors.map(\.description)
        #expect(Set(texts).count == errors.count)
        #expect(texts.allSatisfy { $0.contains("connect with compression off") })
    }
}
