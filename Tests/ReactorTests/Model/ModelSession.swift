import WebSocketCore

/// A session of the model: reports to the world what it is told, and does what a message's first byte asks for.
final class ModelSession: WebSocketSession {
    /// What a message asks its session to do.
    enum Order: UInt8, CaseIterable {
        case nothing, echo, broadcast, broadcastAndAnswer, close, closeAnother, pause
    }

    private let client: ModelClient
    private unowned let world: LoopModel

    init(_ client: ModelClient, _ world: LoopModel) {
        self.client = client
        self.world = world
    }

    override func opened(_ connection: WebSocketConnection) {
        client.connection = connection
        client.isOpened = true
    }

    override func received(_ kind: MessageKind, _ payload: RawSpan) {
        let bytes = payload.withUnsafeBytes { Array($0) }
        world.note { try client.receive(bytes) }
        guard client.connection != nil else { return }
        switch bytes.first.flatMap(Order.init) {
        case .echo:
            world.expect(bytes, client)
            client.connection?.send(kind, payload)
        case .broadcast: world.broadcast()
        case .broadcastAndAnswer:
            world.broadcast()
            world.broadcast()
            world.expect(bytes, client)
            client.connection?.send(kind, payload)
        case .close: world.close(client)
        case .closeAnother: world.closeAny()
        case .pause: world.setReading(false, client)
        case .nothing, nil: break
        }
    }

    override func becameWritable() { if client.connection?.isWritable == true { world.sendOwn(client) } }

    override func closed(_ outcome: CloseOutcome) {
        client.connection = nil
        client.closedTold += 1
        client.mayEnd = true
    }
}
