import NIOCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Where a running server can be opened.
public struct ServerAddresses: Hashable, Sendable {
    /// The address that the server listens on, in numbers, whatever name it was given by.
    public let host: String
    /// The port that was bound.
    public let port: Int

    /// The URL for a browser on this machine.
    public var local: String {
        switch host {
        case "0.0.0.0": url("127.0.0.1")
        case "::": url("::1")
        default: url(host)
        }
    }

    /// The URLs that others on the network can open; empty when the server listens on this machine only.
    public var network: [String] {
        guard !isLoopback else { return [] }
        let kinds: (four: Bool, six: Bool)
        switch host {
        case "0.0.0.0": kinds = (true, false)
        case "::": kinds = (Self.sixTakesFour, true)
        default: return [url(host)]
        }
        let devices = (try? System.enumerateDevices()) ?? []
        return devices.compactMap { $0.address?.ipAddress }
            .filter { $0.contains(":") ? kinds.six : kinds.four }
            .filter { !$0.hasPrefix("127.") && $0 != "::1" && !$0.hasPrefix("fe80:") }
            .map(url)
    }

    /// The origins of the server's own page, by address and by the name that every machine has for itself.
    var origins: [String] {
        let urls = [local, "http://localhost:\(port)/"] + network
        return urls.map { String($0.dropLast()) }
    }

    /// Whether this machine alone can connect.
    var isLoopback: Bool { host.hasPrefix("127.") || host == "::1" || host.hasPrefix("::ffff:127.") }

    private func url(_ address: String) -> String {
        "http://\(address.contains(":") ? "[\(address)]" : address):\(port)/"
    }

    /// Whether a socket that listens on `::` takes IPv4 connections as well, which the system decides.
    private static var sixTakesFour: Bool {
        let descriptor = open("/proc/sys/net/ipv6/bindv6only", O_RDONLY)
        guard descriptor >= 0 else { return true }
        defer { close(descriptor) }
        var byte: UInt8 = 0
        return read(descriptor, &byte, 1) != 1 || byte != UInt8(ascii: "1")
    }

    /// The names that this machine has given itself, in lower case: as it is set, and with `.local`.
    static var machineNames: [String] {
        var characters = [CChar](repeating: 0, count: 256)
        guard gethostname(&characters, characters.count - 1) == 0 else { return [] }
        let bytes = characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let name = String(decoding: bytes, as: UTF8.self).lowercased()
        let label = name.prefix { $0 != "." }
        return name.isEmpty ? [] : [name, String(label), "\(label).local"]
    }
}
