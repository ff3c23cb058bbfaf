/// Whether and how a server or client compresses messages (RFC 7692); the value of the `--compression` option.
///
/// Compression tells somebody who sees the sizes of messages, and can put text of their own into them, what else is in
/// them (RFC 7692 §8). It is therefore off by default.
public enum CompressionMode: String, CaseIterable, Sendable {
    /// No extension is offered or accepted.
    case off
    /// No context takeover in either direction: every message stands alone, and the connections of a loop share one
    /// compressor and a few decompressors. Costs next to no memory.
    case shared
    /// A window for each connection and direction: a repeated message shrinks to a few bytes. Costs about 300 KiB per
    /// connection at the defaults; see ``CompressionBudget``.
    case dedicated
}
