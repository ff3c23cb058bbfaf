import WebSocketCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Composes the messages of a loop in one piece of memory, and compares in full what comes back.
///
/// Confined to its loop's thread; neither sending nor checking allocates.
final class Payload {
    private let kind: MessageKind
    private let seed: UInt64
    private let bytes: UnsafeMutableRawBufferPointer

    /// - Parameters:
    ///   - size: bytes of a message; at least those of a header.
    ///   - seed: of the run: what another run has sent is told apart.
    init(size: Int, kind: MessageKind, seed: UInt64) {
        self.kind = kind
        self.seed = seed
        bytes = .allocate(byteCount: max(size, PayloadHeader.byteCount), alignment: 64)
        // Printable and without a short period, so that a piece in the wrong place is seen.
        var state: UInt64 = 0x2545_F491_4F6C_DD1D
        for index in bytes.indices {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            bytes[index] = UInt8(ascii: "0") + UInt8(state >> 58)
        }
    }

    deinit { bytes.deallocate() }

    /// Sends the message with this header.
    func send(_ header: PayloadHeader, on connection: WebSocketConnection) {
        guard let base = bytes.baseAddress else { return }
        header.write(to: base, seed: seed)
        connection.send(kind, UnsafeRawBufferPointer(bytes).bytes)
    }

    /// Compares a message with what was sent.
    func check(_ kind: MessageKind, _ payload: RawSpan) -> PayloadCheck {
        payload.withUnsafeBytes { check(kind, $0) }
    }

    private func check(_ kind: MessageKind, _ received: UnsafeRawBufferPointer) -> PayloadCheck {
        guard kind == self.kind else { return .otherKind(kind) }
        guard received.count == bytes.count, let start = received.baseAddress, let own = bytes.baseAddress else {
            return .otherSize(received.count)
        }
        guard let header = PayloadHeader(start, seed: seed) else { return .foreign }
        let rest = bytes.count - PayloadHeader.byteCount
        guard memcmp(start + PayloadHeader.byteCount, own + PayloadHeader.byteCount, rest) == 0 else {
            return .damaged
        }
        return .intact(header)
    }
}

@available(*, unavailable)
extension Payload: Sendable {}
