import NIOCore
import Testing

@testable import LoadGenerator

@Suite("Source addresses", .timeLimit(.minutes(5)))
struct SourceAddressesTests {
    private func address(_ text: String) throws -> SocketAddress { try SocketAddress(ipAddress: text, port: 80) }

    @Test("What one address has ports for is left to the system", arguments: [1, 28_000])
    func few(_ connections: Int) throws {
        #expect(try SourceAddresses.spread(connections, perSource: 28_000, to: [address("192.0.2.1")]) == nil)
    }

    @Test("More are spread over the loopback network", arguments: [(28_001, 2), (56_000, 2), (1_000_000, 36)])
    func many(connections: Int, count: Int) throws {
        let sources = try #require(
            try SourceAddresses.spread(connections, perSource: 28_000, to: [address("127.0.0.1")]))
        #expect(sources.count == count)
        #expect(sources.first?.ipAddress == "127.0.0.2")
        #expect(Set(sources.map { $0.ipAddress }).count == count)
        #expect(sources.allSatisfy { $0.port == 0 })
    }

    @Test("More to another destination are refused", arguments: ["192.0.2.1", "::1"])
    func elsewhere(_ destination: String) throws {
        let addresses = [try address("127.0.0.1"), try address(destination)]
        #expect(throws: LoadError.self) { try SourceAddresses.spread(28_001, perSource: 28_000, to: addresses) }
    }
}
