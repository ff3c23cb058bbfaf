/// The proxies in front of a server, whose word on the client's address counts.
public struct TrustedProxies: Hashable, Sendable {
    /// The networks of the proxies. Default none: every client has the address of its socket.
    public var networks: [AddressNetwork] = []
    /// The header in which they name the client: a list of addresses, the nearest hop last. Default `X-Forwarded-For`.
    public var header = "X-Forwarded-For"

    /// No proxies.
    public init() {}

    /// Whether an address is that of a trusted proxy.
    func trusts(_ address: IPAddress) -> Bool { networks.contains { $0.contains(address) } }

    /// The client that a trusted peer names; when it names none that can be believed, its own address counts.
    func client(in values: [String]) -> ForwardedFor.Client { ForwardedFor.client(in: values) { trusts($0) } }
}
