import NIOCore

/// Addresses of this machine to connect from, where one does not have enough ports.
enum SourceAddresses {
    /// The addresses for so many connections; `nil` when the system may choose.
    ///
    /// The network 127.0.0.0/8 has many: those from 127.0.0.2 on are taken, one for each `perSource` connections.
    ///
    /// - Throws: ``LoadError`` when it would take several addresses and a destination is not in that network.
    static func spread(_ connections: Int, perSource: Int, to destinations: [SocketAddress]) throws(LoadError)
        -> [SocketAddress]?
    {
        let count = (connections + perSource - 1) / perSource
        guard count > 1 else { return nil }
        var sources: [SocketAddress] = []
        if destinations.allSatisfy({ $0.protocol == .inet && $0.ipAddress?.hasPrefix("127.") == true }) {
            for number in 0..<count {
                guard let source = try? SocketAddress(ipAddress: "127.0.\(number / 250).\(number % 250 + 2)", port: 0)
                else { break }
                sources.append(source)
            }
        }
        guard sources.count == count else {
            throw LoadError(
                "\(connections) connections are more than one address has ports for: at most "
                    + "\(perSource), or more to a server on 127.0.0.1.")
        }
        return sources
    }
}
