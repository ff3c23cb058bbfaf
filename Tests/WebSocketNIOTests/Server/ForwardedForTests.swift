import NIOCore
import Testing

@testable import WebSocketNIO

@Suite("Whom a proxy forwards for", .timeLimit(.minutes(5)))
struct ForwardedForTests {
    private static let networks = ["10.0.0.0/8", "fd00::/8", "192.0.2.7"]

    private func client(_ values: String...) -> String? {
        guard case .named(let address) = read(values) else { return nil }
        return address.socketAddress?.ipAddress
    }

    private func read(_ values: [String]) -> ForwardedFor.Client {
        var proxies = TrustedProxies()
        proxies.networks = Self.networks.compactMap { AddressNetwork($0) }
        return proxies.client(in: values)
    }

    @Test("A proxy that asks for itself is not taken for one that says nothing that can be believed")
    func nobodyAndUnknown() {
        for values in [[], [""], [","], ["10.0.0.1"], ["10.0.0.1, 192.0.2.7"]] { #expect(read(values) == .nobody) }
        let many = "198.51.100.1" + String(repeating: ",10.0.0.1", count: 32)
        for values in [["unknown"], ["198.51.100.1, unknown, 10.0.0.1"], [many]] { #expect(read(values) == .unknown) }
    }

    @Test("The first hop from the right that is no trusted proxy counts; what a client wrote to the left does not")
    func fromTheRight() {
        #expect(client("198.51.100.1") == "198.51.100.1")
        #expect(client("198.51.100.1, 10.1.2.3, fd00::1, 192.0.2.7") == "198.51.100.1")
        #expect(client("127.0.0.1, 203.0.113.9, 198.51.100.1,10.1.2.3") == "198.51.100.1")
        #expect(client("nonsense, 198.51.100.1") == "198.51.100.1")
        #expect(client("198.51.100.1, 192.0.2.8") == "192.0.2.8", "one address is a network of its own")
    }

    @Test("Several fields are one list, in order (RFC 9110 §5.3)")
    func severalFields() {
        #expect(client("203.0.113.9", "198.51.100.1, 10.0.0.1") == "198.51.100.1")
        #expect(client("203.0.113.9", "10.0.0.1") == "203.0.113.9")
    }

    @Test(
        "An address may have brackets, a port and a zone, where its kind allows it",
        arguments: [
            ("198.51.100.1:8080", "198.51.100.1"), ("198.51.100.1:0", "198.51.100.1"), ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"), ("[2001:db8::1]:65535", "2001:db8::1"),
            ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"), ("fe80::1%eth0", "fe80::1"), ("[fe80::1%en-0.1]:80", "fe80::1"),
            ("::ffff:198.51.100.1", "198.51.100.1"), ("[::ffff:198.51.100.1]:80", "198.51.100.1"),
            ("\t 198.51.100.1 \t", "198.51.100.1"), ("127.0.0.1", "127.0.0.1"), ("::1", "::1"),
        ])
    func forms(_ text: String, _ address: String) {
        #expect(client(text) == address)
        #expect(client("203.0.113.9, \(text), 10.0.0.1") == address)
    }

    @Test(
        "What is malformed is not believed, whatever stands to its left",
        arguments: [
            "unknown", "_hidden", "198.51.100", "198.51.100.256", "198.51.100.1.2", "1", "0x7f000001", "198.51.100.01x",
            "198.51.100.1:", "198.51.100.1:65536", "198.51.100.1:123456", "198.51.100.1:8a", ":80", "[198.51.100.1]",
            "[2001:db8::1", "2001:db8::1]", "[]", "[]:80", "[2001:db8::1]80", "[2001:db8::1]:", "[[::1]]", "::1%",
            "::1%e%0", "::1%\u{e4}", "198.51.100.1%eth0", "2001:db8:::1", "12345::1", "example.com", "for=198.51.100.1",
            "\"198.51.100.1\"", "198.51.100.1 198.51.100.2", "198.51.100.1;proto=http", "::1\u{0}", "١٩٨.51.100.1",
            "%", "[%eth0]", String(repeating: "1", count: 5000), String(repeating: ":", count: 5000),
        ])
    func malformed(_ text: String) {
        #expect(client(text) == nil)
        #expect(client("203.0.113.9, \(text), 10.0.0.1") == nil)
    }

    @Test("Empty entries are passed over (RFC 9110 §5.6.1.2)")
    func empty() {
        #expect(client("198.51.100.1, ,, 10.0.0.1, ") == "198.51.100.1")
        #expect(client() == nil)
        #expect(client("", " , ,\t,") == nil)
    }

    @Test("32 entries are read, over all fields and from the right, and no more")
    func tooMany() {
        let proxies = Array(repeating: "10.0.0.1", count: 31)
        let read = (["198.51.100.1"] + proxies).joined(separator: ",")
        #expect(client(read) == "198.51.100.1")
        #expect(client("203.0.113.9, " + read) == "198.51.100.1")
        #expect(client(read + ", 10.0.0.1") == nil)
        #expect(client(read + ",") == nil)
        #expect(client(read, "10.0.0.1") == nil)
        #expect(client("198.51.100.1", proxies.joined(separator: ",")) == "198.51.100.1")
    }

    @Test("However much a client writes to the left, its own address counts and not the proxy's")
    func longLists() {
        for entry in ["203.0.113.9", "10.0.0.1", "unknown", ""] {
            let written = Array(repeating: entry, count: 500)
            #expect(client((written + ["198.51.100.1", "10.0.0.1"]).joined(separator: ",")) == "198.51.100.1")
            #expect(read(written + ["198.51.100.1"]) == read(["198.51.100.1"]))
        }
        #expect(client(String(repeating: ",", count: 16_000)) == nil)
    }

    @Test("Where all hops are trusted nobody else is there: the peer counts")
    func allTrusted() {
        #expect(client("10.0.0.1, 10.0.0.2") == nil)
    }

    @Test(
        "A network is an address with a prefix",
        arguments: [
            ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false), ("10.9.9.9/8", "10.1.1.1", true),
            ("192.0.2.128/25", "192.0.2.129", true), ("192.0.2.128/25", "192.0.2.127", false),
            ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1/32", "192.0.2.0", false), ("0.0.0.0/0", "8.8.8.8", true),
            ("0.0.0.0/0", "::1", false), ("::/0", "2001:db8::1", true), ("::/0", "1.2.3.4", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true), ("2001:db8::/32", "2001:db9::1", false),
            ("2001:db8::/65", "2001:db8::7fff:0:0:1", true), ("2001:db8::/65", "2001:db8::8000:0:0:1", false),
            ("2001:db8::1", "2001:db8::1", true), ("2001:db8::1", "2001:db8::2", false), ("::1/128", "::1", true),
            ("::ffff:10.0.0.0/104", "10.1.2.3", true), ("10.0.0.0/8", "::ffff:10.1.2.3", true),
        ])
    func networks(_ text: String, _ address: String, _ isInside: Bool) throws {
        let network = try #require(AddressNetwork(text))
        #expect(network.contains(try #require(IPAddress(address))) == isInside)
    }

    @Test(
        "What is no network is refused",
        arguments: [
            "", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8", "10.0.0.0/0008",
            "::/129",
            "10.0.0/8", "example.com", "[::1]", "10.0.0.0:80", "::ffff:10.0.0.0/95", "fe80::1%eth0", "10.0.0.0/ 8",
        ])
    func noNetwork(_ text: String) { #expect(AddressNetwork(text) == nil) }
}
