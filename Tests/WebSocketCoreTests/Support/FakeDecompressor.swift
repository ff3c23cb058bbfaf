import WebSocketCore

/// Stands in for permessage-deflate: each byte of a message stands for itself, and 0xFF is a piece that is damaged.
final class FakeDecompressor: MessageDecompressor {
    private(set) var finals = 0

    func decompress(
        _ piece: UnsafeRawBufferPointer, isFinal: Bool, maximumBytes: Int, into output: inout [UInt8]
    ) throws(ProtocolViolation) {
        if piece.contains(0xFF) { throw .compressedDataInvalid }
        guard output.count + piece.count <= maximumBytes else { throw .messageTooBig }
        output.append(contentsOf: piece)
        if isFinal { finals += 1 }
    }
}
