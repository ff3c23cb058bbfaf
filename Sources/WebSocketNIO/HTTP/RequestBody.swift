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

    /// Reserves the memory of a body with a known length.
    ///
    /// - Parameter length: what `Content-Length` says; 0 for a chunked body, which is charged while it grows.
    init(length: Int, owner: String, budget: RequestBodyBudget) throws(BodyShortage) {
        self.budget = budget
        self.owner = owner
        try charge(length)
    }

    deinit { budget.giveBack(charged, of: owner) }

    /// Adds what has arrived.
    func append(_ part: ByteBuffer) throws(BodyShortage) {
        try charge(bytes.readableBytes + part.readableBytes)
        bytes.reserveCapacity(charged)
        bytes.writeImmutableBuffer(part)
    }

    /// The whole body, once; it stays charged.
    func take() -> ByteBuffer {
        defer { bytes = ByteBuffer() }
        return bytes
    }

    /// Charges memory for so many bytes in all: as a buffer allocates, in powers of two.
    private func charge(_ length: Int) throws(BodyShortage) {
        guard length > charged else { return }
        let capacity = 1 << (Int.bitWidth - (length - 1).leadingZeroBitCount)
        try budget.take(capacity - charged, for: owner)
        charged = capacity
    }
}

@available(*, unavailable)
extension RequestBody: Sendable {}
