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

    /// What a server has agreed on with a client that takes nothing over from message to message.
    var sharedCodecs: CompressionCodecs? {
        let parameters = DeflateParameters(
            serverNoContextTakeover: true, clientNoContextTakeover: true, serverMaxWindowBits: 15,
            clientMaxWindowBits: 15)
        return compression.codecs(for: parameters, role: .server)
    }
}
