import NIOCore

/// Where a running server can be opened.
public struct ServerAddresses: Hashable, Sendable {
    /// What the server listens on, as it was given.
    public let host: String
    /// The port that was bound.
    public let port: Int

    /// The URLs for a browser on this machine.
    public var local: String { "http://\(isWildcard || isLoopback ? "127.0.0.1" : bracketed(host)):\(port)/" }

    /// The URLs that others on the network can open; empty when the server listens on this machine only.
    public var network: [String] {
        guard !isLoopback else { return [] }
        guard isWildcard else { return ["http://\(bracketed(host)):\(port)/"] }
        let devices = (try? System.enumerateDevices()) ?? []
        let addresses = devices.compactMap { $0.address?.ipAddress }
        return addresses.filter { !$0.hasPrefix("127.") && $0 != "::1" && !$0.hasPrefix("fe80:") }
            .map { "http://\(bracketed($0)):\(port)/" }
    }

    /// The origins of the server's own page.
    var origins: [String] {
        let urls = [local, "http://localhost:\(port)/"] + network
        return urls.map { String($0.dropLast()) }
    }

    private var isLoopback: Bool { host.hasPrefix("127.") || host == "localhost" || host == "::1" }

    private var isWildcard: Bool { host == "0.0.0.0" || host == "::" }

    private func bracketed(_ address: String) -> String { address.contains(":") ? "[\(address)]" : address }
}
