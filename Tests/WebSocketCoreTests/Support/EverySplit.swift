import Testing
import WebSocketCore

/// Feeds `bytes` whole, byte by byte and cut in two at every position (of a long input: at its first and last 40 and
/// some between), in place and with separate output; all of it must lead to the same observations, which are returned.
@discardableResult
func observeEverySplit(
    _ bytes: [UInt8], role: Role = .server, limits: ConnectionLimits = .withoutRates,
    decompressor: () -> (any MessageDecompressor)? = { nil },
    sourceLocation: SourceLocation = #_sourceLocation
) -> [Observation] {
    var first: [Observation]?
    for memory in Carrier.Memory.allCases {
        for pieces in [[bytes[...]], bytes.indices.map { bytes[$0...$0] }] + cuts(bytes) {
            var carrier = Carrier(role: role, limits: limits, memory: memory, decompressor: decompressor())
            for piece in pieces { carrier.receive(piece) }
            if let first {
                guard carrier.observations != first else { continue }
                Issue.record(
                    "pieces of \(pieces.map(\.count)), \(memory): \(carrier.observations) instead of \(first)",
                    sourceLocation: sourceLocation)
                return first
            } else {
                first = carrier.observations
            }
        }
    }
    return first ?? []
}

private func cuts(_ bytes: [UInt8]) -> [[ArraySlice<UInt8>]] {
    let end = bytes.count
    let positions =
        end <= 600
        ? Array(0...end) : Array(0...40) + [end / 3, end / 2, end / 2 + 1] + Array((end - 40)...end)
    return positions.map { [bytes[..<$0], bytes[$0...]] }
}
