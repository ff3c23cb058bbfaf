import Testing
import WebSocketCore

@testable import WebSocketCompression

extension MessageDecompressor {
    /// Decodes a message that comes in pieces.
    func inflate(pieces: [[UInt8]], maximumBytes: Int = 1 << 28) throws(ProtocolViolation) -> [UInt8] {
        var output: [UInt8] = []
        try inflate(pieces: pieces, maximumBytes: maximumBytes, into: &output)
        return output
    }

    func inflate(
        pieces: [[UInt8]], maximumBytes: Int, into output: inout [UInt8]
    ) throws(ProtocolViolation) {
        for (index, piece) in pieces.enumerated() {
            try inflate(piece, isFinal: index == pieces.count - 1, maximumBytes: maximumBytes, into: &output)
        }
    }

    func inflate(
        _ piece: [UInt8], isFinal: Bool, maximumBytes: Int = 1 << 28, into output: inout [UInt8]
    ) throws(ProtocolViolation) {
        var failure: ProtocolViolation?
        piece.withUnsafeBytes { bytes in
            do throws(ProtocolViolation) {
                try decompress(bytes, isFinal: isFinal, maximumBytes: maximumBytes, into: &output)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    func inflate(_ message: [UInt8], maximumBytes: Int = 1 << 28) throws(ProtocolViolation) -> [UInt8] {
        try inflate(pieces: [message], maximumBytes: maximumBytes)
    }
}

extension MessageCompressor {
    func deflate(_ message: [UInt8]) -> [UInt8]? {
        var output: [UInt8] = [0xAA]
        let isCompressed = message.withUnsafeBytes { compress($0, into: &output) }
        // What was there before must stay, and a failure must not leave anything behind.
        guard output.first == 0xAA, isCompressed || output.count == 1 else { return [0xBA, 0xD0] }
        return isCompressed ? Array(output.dropFirst()) : nil
    }
}

/// Codecs for given parameters, from a loop of their own unless one is given.
func codecs(
    _ parameters: DeflateParameters = DeflateParameters(), role: Role = .server, level: Int = 6
) throws -> CompressionCodecs {
    let context = CompressionContext(
        DeflateConfiguration(mode: .dedicated, level: level), budget: CompressionBudget())
    return try #require(context.codecs(for: parameters, role: role))
}

let withoutTakeover = DeflateParameters(serverNoContextTakeover: true, clientNoContextTakeover: true)

func ascii(_ text: String) -> [UInt8] { Array(text.utf8) }

/// Bytes that do not compress, the same in every run.
func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    return (0..<count).map { _ in
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return UInt8(truncatingIfNeeded: state >> 32)
    }
}

/// Text that compresses about as well as chat does, with repetitions at every distance.
func chatter(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    let words = ["room", "hello", " ", "position", "the ", "and ", "{\"type\":\"say\"}", "\n", "offset", "12", "世界"]
    var bytes: [UInt8] = []
    for byte in noise(count, seed: seed) {
        bytes += ascii(words[Int(byte) % words.count])
        if byte % 7 == 0 { bytes.append(byte) }
        if bytes.count >= count { break }
    }
    return Array(bytes.prefix(count))
}
