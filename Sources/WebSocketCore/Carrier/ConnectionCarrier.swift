/// Takes connections over after their opening handshake, from the front door that accepted them.
///
/// Any thread calls it. The front door keeps a connection itself when there is no carrier, or when the connection is
/// none that a carrier could take: TLS, another system, no descriptor to spare.
public protocol ConnectionCarrier: Sendable {
    /// Gets ready for connections; called once, before the first.
    func start(_ environment: CarrierEnvironment) throws

    /// Takes a connection: from here on its descriptor is the carrier's to close.
    func adopt(_ connection: HandedOverConnection)

    /// How many connections it has.
    func connectionCount() async -> Int

    /// Closes every connection and takes no more: each is told, and cut off when it has not answered within `time`.
    func stop(_ frame: CloseFrame, within time: Duration) async
}
