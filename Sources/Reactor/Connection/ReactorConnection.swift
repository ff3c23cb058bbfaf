#if os(Linux)
import WebSocketCore

/// A connection on a reactor's loop, as its session sees it: a pointer to its slot until the connection ends.
final class ReactorConnection: WebSocketConnection {
    private var slot: SlotHandle?
    /// What counts it until it ends: here, where there is room for it, and not in what makes a slot's sends take care.
    private(set) var claim: AnyObject?

    init(_ slot: SlotHandle, _ claim: (any ConnectionClaim)?) {
        self.slot = slot
        self.claim = claim
        super.init()
    }

    func detach() {
        slot = nil
        claim = nil
    }

    override func send(_ kind: MessageKind, _ payload: RawSpan) {
        guard let slot else { return }
        // The span outlives the call; inside a closure this would be a call more.
        let bytes = payload.withUnsafeBytes { $0 }
        ReactorLoop.send(kind, bytes, to: slot)
    }

    override func send(_ frame: SharedFrame) {
        guard let slot else { return }
        ReactorLoop.send(frame, to: slot)
    }

    override func close(_ code: CloseCode, reason: String) {
        guard let slot else { return }
        slot.pointee.tick.pointee.loop._withUnsafeGuaranteedRef {
            $0.close(CloseFrame(code: code, reason: reason), slot)
        }
    }

    override var pendingBytes: Int {
        guard let slot else { return 0 }
        return slot.pointee.tick.pointee.loop._withUnsafeGuaranteedRef { $0.pendingBytes(slot) }
    }

    override var isWritable: Bool {
        guard let slot else { return false }
        return slot.pointee.tick.pointee.loop._withUnsafeGuaranteedRef { $0.isWritable(slot) }
    }

    override var peer: String {
        guard let slot else { return "" }
        return slot.pointee.tick.pointee.loop._withUnsafeGuaranteedRef { $0.peer(slot) }
    }

    override func setReading(_ isReading: Bool) {
        guard let slot else { return }
        slot.pointee.tick.pointee.loop._withUnsafeGuaranteedRef { $0.setReading(isReading, slot) }
    }

    override func dropRest() {
        guard let slot else { return }
        slot.pointee.tick.pointee.loop._withUnsafeGuaranteedRef { $0.dropRest(slot) }
    }

    override func forgiveMessage() {
        guard let slot else { return }
        slot.pointee.machine.forgiveMessage()
    }

    override func requireMessagesAsLife() {
        guard let slot else { return }
        slot.pointee.machine.requireData()
    }
}
#endif
