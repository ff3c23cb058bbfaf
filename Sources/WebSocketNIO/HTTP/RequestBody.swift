import NIOCore

/// The body of one request, collected inside the node's budget until the request is answered.
///
/// The object's life is the charge: when it goes, the budget has its bytes back. Confined to its loop's thread.
final class RequestBody {
    private let budget: RequestBodyBudget
    /// Whose share the body takes from.
    let owner: String
    private var charged = 0
    private var bytes = ByteBuffer()

    /// Reserves the memory of a body with a known length; `nil` when the budget refuses.
    ///
    /// - Parameter length: what `Content-Length` says; 0 for a chunked body, which is charged while it grows.
    init?(length: Int, owner: String, budget: RequestBodyBudget) {
        self.budget = budget
        self.owner = owner
        guard charge(length) else { return nil }
    }

    deinit { budget.giveBack(charged, of: owner) }

    /// Adds what has arrived; `false` when the budget refuses.
    func append(_ part: ByteBuffer) -> Bool {
        guard charge(bytes.readableBytes + part.readableBytes) else { return false }
        bytes.reserveCapacity(charged)
        bytes.writeImmutableBuffer(part)
        return true
    }

    /// The whole body, once; it stays charged.
    func take() -> ByteBuffer {
        defer { bytes = ByteBuffer() }
        return bytes
    }

    /// Charges memory for so many bytes in all: as a buffer allocates, in powers of two.
    private func charge(_ length: Int) -> Bool {
        guard length > charged else { return true }
        let capacity = 1 << (Int.bitWidth - (length - 1).leadingZeroBitCount)
        guard budget.take(capacity - charged, for: owner) else { return false }
        charged = capacity
        return true
    }
}

@available(*, unavailable)
extension RequestBody: Sendable {}
