import Testing
import WebSocketCore

@testable import WebSocketCompression

@Suite("RFC 7692 §7.2.1: compression", .timeLimit(.minutes(5)))
struct DeflateTests {
    static let hello: [UInt8] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]

    @Test("The RFC's example, byte for byte (§7.2.3.1), and its repetition in the same window (§7.2.3.2)")
    func takeover() throws {
        let compressor = try codecs().compressor
        #expect(compressor.deflate(ascii("Hello")) == Self.hello)
        #expect(compressor.deflate(ascii("Hello")) == [0xF2, 0x00, 0x11, 0x00, 0x00])
    }

    @Test("Without context takeover the repetition is the same bytes again (§7.2.3.2)")
    func noTakeover() throws {
        let compressor = try codecs(withoutTakeover).compressor
        #expect(compressor.deflate(ascii("Hello")) == Self.hello)
        #expect(compressor.deflate(ascii("Hello")) == Self.hello)
    }

    @Test("Level 0 writes the RFC's block without compression (§7.2.3.3)")
    func stored() throws {
        let compressor = try codecs(level: 0).compressor
        #expect(
            compressor.deflate(ascii("Hello"))
                == [0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00])
    }

    @Test("An empty message is one byte, as often as it comes (§7.2.3.6)")
    func empty() throws {
        for parameters in [DeflateParameters(), withoutTakeover] {
            let server = try codecs(parameters)
            let client = try codecs(parameters, role: .client)
            for content in [[], [], ascii("Hello"), [], [], ascii("Hello"), []] {
                let payload = try #require(server.compressor.deflate(content))
                if content.isEmpty { #expect(payload == [0x00]) }
                #expect(try client.decompressor.inflate(payload) == content)
            }
        }
    }

    /// Contents around every buffer that is involved: the scratch space, zlib's window and its pending output.
    static let contents: [[UInt8]] = [
        [0x41], ascii("Hello"), chatter(200), chatter(200), chatter(5000, seed: 3),
        noise(ScratchBuffer.byteCount - 20), chatter(100_000, seed: 4), [UInt8](repeating: 0, count: 300_000),
        noise(70_000, seed: 9), noise(70_000, seed: 9), chatter(100_000, seed: 4),
    ]

    @Test(
        "Everything that is sent can be read with the negotiated window, by zlib and by a strict inflater (§7.1.2)",
        arguments: 9...15, [true, false])
    func windows(bits: Int, takeover: Bool) throws {
        for role in [Role.server, .client] {
            var parameters = DeflateParameters(
                serverNoContextTakeover: !takeover, clientNoContextTakeover: !takeover)
            if role == .server {
                parameters.serverMaxWindowBits = bits
            } else {
                parameters.clientMaxWindowBits = bits
            }
            let sender = try codecs(parameters, role: role, level: role == .server ? 3 : 9)
            let receiver = try codecs(parameters, role: role == .server ? .client : .server)
            var reference = ReferenceInflater(windowBits: bits)
            for content in Self.contents {
                let payload = try #require(sender.compressor.deflate(content))
                #expect(try receiver.decompressor.inflate(payload) == content)
                #expect(try reference.message(payload) == content)
                if !takeover { reference.forget() }
            }
            // The test would prove nothing if the window were not used.
            #expect(reference.largestDistance > 1 << (bits - 2))
        }
    }

    @Test("A payload that fills the scratch space to the last byte is flushed once more, and can be read")
    func scratchEdges() throws {
        let server = try codecs(level: 0)
        let client = try codecs(role: .client)
        for count in (ScratchBuffer.byteCount - 24)...(ScratchBuffer.byteCount + 4) {
            let content = noise(count)
            let payload = try #require(server.compressor.deflate(content))
            #expect(try client.decompressor.inflate(payload) == content)
        }
    }

    @Test("With a window of its own, the second frame of a repeated message is much smaller than the first")
    func dedicated() throws {
        let context = CompressionContext(DeflateConfiguration(mode: .dedicated), budget: CompressionBudget())
        let offers = try ExtensionElement.parse(["permessage-deflate; client_max_window_bits"])
        let compressor = try #require(context.accept(offers)).codecs.compressor
        let content = noise(4000)
        let first = try #require(compressor.deflate(content))
        let second = try #require(compressor.deflate(content))
        #expect(first.count > 4000)
        #expect(second.count * 20 < first.count)
    }

    @Test("With shared streams it is the same frame again")
    func shared() throws {
        let context = CompressionContext(DeflateConfiguration(mode: .shared), budget: CompressionBudget())
        let compressor = try #require(context.accept([ExtensionElement(name: "permessage-deflate")])).codecs.compressor
        let content = chatter(4000)
        let first = try #require(compressor.deflate(content))
        #expect(compressor.deflate(content) == first)
        #expect(first.count * 2 < content.count)
    }

    @Test("A client that was limited to a window of 8, which zlib does not have, sends uncompressed (§6, §7.1.2.2)")
    func windowOfEight() throws {
        let client = try codecs(DeflateParameters(clientMaxWindowBits: 8), role: .client)
        #expect(client.compressor.deflate(chatter(1000)) == nil)
        #expect(client.compressor.deflate(chatter(1000)) == nil)
        #expect(try client.decompressor.inflate(Self.hello) == ascii("Hello"))
    }

    @Test("When zlib refuses, nothing is appended and a new stream is begun")
    func failure() {
        #expect(DeflateStream(windowBits: 15, level: 6, memoryLevel: 10) == nil)
        let scratch = ScratchBuffer()
        var output: [UInt8] = [1, 2, 3]
        let stream = DeflateStream(windowBits: 15, level: 6, memoryLevel: 8)
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        #expect(stream?.encode(nothing, scratch: scratch, into: &output) == true)
        #expect(output == [1, 2, 3, 0])
        // zlib does not flush twice in a row: the same shape as a stream that is broken.
        #expect(stream?.encode(nothing, scratch: scratch, into: &output) == false)
        #expect(output == [1, 2, 3, 0])
    }
}
