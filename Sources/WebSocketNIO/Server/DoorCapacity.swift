/// How a server divides the connections that it may have.
struct DoorCapacity: Hashable, Sendable {
    /// WebSockets.
    let webSockets: Int
    /// Further connections, for requests to the HTTP API while there are as many WebSockets as may be.
    let reserve: Int
    /// Refused connections whose answer is on the way.
    let lingering: Int

    /// Divides a limit of WebSockets.
    ///
    /// - Parameters:
    ///   - limit: the WebSockets that the operator allows, 1 at least.
    ///   - descriptors: the connections that the process may open; `nil` when that is not known.
    init(limit: Int, descriptors: Int?) {
        let room = max(1, descriptors ?? .max)
        lingering = min(100, max(1, room / 16))
        let usable = max(1, room - lingering)
        let most = min(limit, usable)
        reserve = min(max(16, most / 20), usable - 1)
        webSockets = min(most, usable - reserve)
    }

    /// All connections but those that linger.
    var total: Int { webSockets + reserve }

    /// What one address may have of the reserve.
    var share: Int { max(1, reserve / 4) }
}
