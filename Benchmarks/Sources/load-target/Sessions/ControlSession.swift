import WebSocketCore

/// Sends back what it gets and allocates exactly once per message: the control of the counting.
final class ControlSession: LoadSession {
    private var connection: WebSocketConnection?

    override func opened(_ connection: WebSocketConnection) {
        super.opened(connection)
        self.connection = connection
    }

    override func received(_ kind: MessageKind, _ payload: RawSpan) {
        let memory = Self.allocate(payload.byteCount + 1)
        memory.storeBytes(of: kind.rawValue, as: UInt8.self)
        connection?.send(kind, payload)
        memory.deallocate()
    }

    override func closed(_ outcome: CloseOutcome) {
        super.closed(outcome)
        connection = nil
    }

    /// Not inlined, so that the optimiser can not remove the pair of allocation and release.
    @inline(never)
    private static func allocate(_ bytes: Int) -> UnsafeMutableRawPointer {
        UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 8)
    }
}
