import NIOEmbedded
import WebSocketCompression
import WebSocketCore

@testable import WebSocketNIO

extension LoopContext {
    /// A context of an embedded loop, whose clock only a test moves.
    static func embedded(
        _ eventLoop: EmbeddedEventLoop, compression: DeflateConfiguration = DeflateConfiguration(),
        assemblyBudget: Int = .max, outputBudget: OutputBudget? = nil,
        onSlowReader: @escaping @Sendable (SlowReader) -> Void = { _ in }
    ) -> LoopContext {
        LoopContext(
            eventLoop: eventLoop, compression: CompressionContext(compression, budget: CompressionBudget()),
            assemblyBudget: assemblyBudget, outputBudget: outputBudget, onSlowReader: onSlowReader)
    }
}
