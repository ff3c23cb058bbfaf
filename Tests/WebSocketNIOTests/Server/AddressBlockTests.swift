import NIOCore
import Testing
import WebSocketCore

@testable import WebSocketNIO

@Suite("What counts as one address", .timeLimit(.minutes(5)))
struct AddressBlockTests {
    private func block(_ text: String) throws -> AddressBlock {
        AddressBlock(try #require(IPAddress(SocketAddress(ipAddress: text, port: 1))))
    }

    @Test("An IPv4 address counts for itself, whatever the port")
    func version4() throws {
        #expect(try block("192.0.2.1") == .version4(0xC000_0201))
        #expect(try block("192.0.2.1") != block("192.0.2.2"))
        #expect(
            try IPAddress(SocketAddress(ipAddress: "192.0.2.1", port: 2)).map { AddressBlock($0) } == block("192.0.2.1")
        )
    }

    @Test("An IPv6 address counts with all of its network of 64 bits")
    func version6() throws {
        #expect(try block("2001:db8:1:2:3:4:5:6") == .version6(0x2001_0DB8_0001_0002))
        #expect(try block("2001:db8:1:2::") == block("2001:db8:1:2:ffff:ffff:ffff:ffff"))
        #expect(try block("2001:db8:1:2::") != block("2001:db8:1:3::"))
    }

    @Test("An IPv4 address is the same as a listener on :: sees it (RFC 4291 §2.5.5.2)")
    func mapped() throws {
        #expect(try block("::ffff:192.0.2.1") == block("192.0.2.1"))
        #expect(try block("::fffe:192.0.2.1") != block("192.0.2.1"))
    }

    @Test(
        "The loopback is 127.0.0.0/8 and ::1",
        arguments: [
            ("127.0.0.1", true), ("127.255.255.254", true), ("::1", true), ("::ffff:127.0.0.1", true),
            ("128.0.0.1", false), ("126.255.255.255", false), ("2001:db8::1", false), ("fe80::1", false),
        ])
    func loopback(_ text: String, _ isLoopback: Bool) throws {
        #expect(try block(text).isLoopback == isLoopback)
    }

    @Test("A socket of the file system has no address to count")
    func path() throws {
        #expect(IPAddress(try SocketAddress(unixDomainSocketPath: "/a")) == nil)
    }
}
