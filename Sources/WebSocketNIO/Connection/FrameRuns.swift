import NIOCore
import WebSocketCore

/// The runs of a loop's turn, from its beginning on.
final class FrameRuns {
    /// A long run that connections may still hold from an earlier turn.
    private struct Reference {
        weak var run: FrameRun?
    }

    /// The most runs that are remembered at a time.
    private static let maximumKnown = 256

    private var first: FrameRun?
    /// Of frames that stand alone: what is replayed to many comes to them in different turns.
    private var known: [ObjectIdentifier: Reference] = [:]
    /// All runs of this turn, so that the chains can be taken apart at its end.
    private var all: [FrameRun] = []
    /// The frame that was compressed last, as each compressor has made it.
    private var compressed: (frame: SharedFrame, forms: [(compressor: ObjectIdentifier, bytes: [UInt8])])?

    /// The run of one frame more.
    ///
    /// - Parameters:
    ///   - run: what the connection has been sent before in this turn; `nil` for nothing.
    ///   - compressor: what the frame is compressed with, one that makes the same of it for all its connections.
    /// - Returns: `nil` when the frame should not be put together with those before it.
    @inline(__always)
    func run(
        after run: FrameRun?, _ frame: SharedFrame, _ compressor: (any MessageCompressor)?
    ) -> FrameRun? {
        let identifier = compressor.map { ObjectIdentifier($0) }
        if let next = (run == nil ? first : run?.next)?.ending(with: frame, identifier) { return next }
        return makeRun(after: run, frame, compressor)
    }

    @inline(never)
    private func makeRun(
        after run: FrameRun?, _ frame: SharedFrame, _ compressor: (any MessageCompressor)?
    ) -> FrameRun? {
        let bytes = compressor.map { compress(frame, $0) } ?? frame.bytes
        if let run, !run.hasRoom(for: bytes) { return nil }
        let isLong = run == nil && compressor == nil && bytes.count > FrameRun.maximumBytes
        let next =
            (isLong ? known[ObjectIdentifier(frame)]?.run : nil)
            ?? FrameRun(
                frame, compressor.map { ObjectIdentifier($0) }, bytes, after: run,
                beside: run == nil ? first : run?.next)
        if isLong { remember(next, of: frame) }
        all.append(next)
        if let run { run.next = next } else { first = next }
        return next
    }

    /// A run keeps its frame alive, so that no other one has its identifier as long as the run is known.
    private func remember(_ run: FrameRun, of frame: SharedFrame) {
        if known.count >= Self.maximumKnown {
            known = known.filter { $0.value.run != nil }
            if known.count >= Self.maximumKnown { known = [:] }
        }
        known[ObjectIdentifier(frame)] = Reference(run: run)
    }

    /// The frame as the compressor makes it; as it is when there is no memory to compress it (RFC 7692 §6).
    private func compress(_ frame: SharedFrame, _ compressor: any MessageCompressor) -> [UInt8] {
        let identifier = ObjectIdentifier(compressor)
        if compressed?.frame !== frame { compressed = (frame, []) }
        for form in compressed?.forms ?? [] where form.compressor == identifier { return form.bytes }
        var payload: [UInt8] = []
        var bytes = frame.bytes
        if frame.payload.withUnsafeBytes({ compressor.compress($0, into: &payload) }) {
            bytes = []
            bytes.reserveCapacity(payload.count + FrameHeader.maximumBytes)
            FrameHeader.append(
                isCompressed: true, opcode: frame.kind.opcode, payloadLength: payload.count, to: &bytes)
            bytes += payload
        }
        compressed?.forms.append((identifier, bytes))
        return bytes
    }

    /// Everybody has been written: the next turn begins anew.
    func endTurn() {
        for run in all { run.next = nil }
        all.removeAll(keepingCapacity: true)
        first = nil
        compressed = nil
    }
}

@available(*, unavailable)
extension FrameRuns: Sendable {}
