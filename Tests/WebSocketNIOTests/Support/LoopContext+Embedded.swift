import NIOEmbedded
import WebSocketCompression

@testable import WebSocketNIO

extension LoopContext {
    /// A context of an embedded loop, whose clock only a test moves.
    static func embedded(
        _ eventLoop: EmbeddedEventLoop, compression: DeflateConfiguration = DeflateConfiguration(),
        assemblyBudget: Int = .max
    ) -> LoopContext {
        LoopContext(
            eventLoop: eventLoop, compression: CompressionContext(compression, budget: CompressionBudget()),
            assemblyBudget: assemblyBudget)
    }
}
