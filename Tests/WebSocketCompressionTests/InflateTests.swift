import Testing
import WebSocketCore

@testable import WebSocketCompression

/// Messages in the order in which a connection receives them, and what they are.
struct InflateFixture: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let messages: [(payload: [UInt8], content: [UInt8])]

    init(_ name: String, _ messages: [(payload: [UInt8], content: [UInt8])]) {
        testDescription = name
        self.messages = messages
    }

    static let hello = ascii("Hello")

    static let all: [InflateFixture] = [
        InflateFixture("one block, §7.2.3.1", [([0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00], hello)]),
        InflateFixture(
            "shared window, §7.2.3.2",
            [([0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00], hello), ([0xF2, 0x00, 0x11, 0x00, 0x00], hello)]),
        InflateFixture(
            "a block without compression, §7.2.3.3",
            [([0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00], hello)]),
        InflateFixture("BFINAL, §7.2.3.4", [([0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00], hello)]),
        InflateFixture(
            "two blocks, §7.2.3.5",
            [([0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00], hello)]),
        InflateFixture("empty, §7.2.3.6", [([0x00], []), ([0x00], [])]),
        InflateFixture("no bytes at all", [([], []), ([0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00], hello), ([], [])]),
        InflateFixture(
            "BFINAL without the empty block after it",
            [
                ([0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00], hello),
                ([0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00], hello),
            ]),
        InflateFixture("BFINAL in the empty block at the end", [([0x01], []), ([0x01], [])]),
        InflateFixture("BFINAL in the middle", [(finalInTheMiddle, ascii("abcdef"))]),
        InflateFixture("the window lives on after BFINAL", [acrossFinal, acrossFinal2]),
        InflateFixture("a thousand final blocks", [(manyFinal, ascii(String(repeating: "x", count: 1000)))]),
        InflateFixture("a thousand empty blocks", [(manyEmpty, [])]),
    ]

    static let finalInTheMiddle: [UInt8] = {
        var writer = BlockWriter()
        writer.beginFixed()
        writer.literals("ab")
        writer.endFixed()
        writer.stored(ascii("cd"), isFinal: true)
        writer.beginFixed(isFinal: true)
        writer.literals("e")
        writer.endFixed()
        writer.align()
        writer.beginFixed()
        writer.literals("f")
        writer.endFixed()
        writer.endMessage()
        return writer.bytes
    }()

    static let acrossFinal: ([UInt8], [UInt8]) = {
        var writer = BlockWriter()
        writer.stored(ascii("abcdef"), isFinal: true)
        writer.beginFixed(isFinal: true)
        writer.match(distance: 6)
        writer.endFixed()
        writer.align()
        writer.endMessage()
        return (writer.bytes, ascii("abcdefabc"))
    }()

    static let acrossFinal2: ([UInt8], [UInt8]) = {
        var writer = BlockWriter()
        writer.beginFixed()
        writer.match(distance: 9)
        writer.endFixed()
        writer.endMessage()
        return (writer.bytes, ascii("abc"))
    }()

    static let manyFinal: [UInt8] = {
        var writer = BlockWriter()
        for _ in 0..<1000 {
            writer.beginFixed(isFinal: true)
            writer.literals("x")
            writer.endFixed()
            writer.align()
        }
        writer.endMessage()
        return writer.bytes
    }()

    static let manyEmpty: [UInt8] = {
        var writer = BlockWriter()
        for _ in 0..<1000 { writer.stored([]) }
        writer.endMessage()
        return writer.bytes
    }()
}

@Suite("RFC 7692 §7.2.2: decompression", .timeLimit(.minutes(5)))
struct InflateTests {
    @Test("Every fixture is read, whole, byte by byte and cut at every position", arguments: InflateFixture.all)
    func splits(fixture: InflateFixture) throws {
        let longest = fixture.messages.map(\.payload.count).max() ?? 0
        for cut in -1...longest {
            let decompressor = try codecs().decompressor
            for (payload, content) in fixture.messages {
                let pieces: [[UInt8]]
                if cut < 0 {
                    pieces = payload.map { [$0] } + [[]]
                } else {
                    pieces = [Array(payload.prefix(cut)), Array(payload.dropFirst(cut))]
                }
                #expect(try decompressor.inflate(pieces: pieces) == content)
            }
        }
        let decompressor = try codecs().decompressor
        for (payload, content) in fixture.messages { #expect(try decompressor.inflate(payload) == content) }
    }

    @Test("The fragments of the RFC's example (§7.2.3.1)")
    func fragments() throws {
        let decompressor = try codecs().decompressor
        #expect(
            try decompressor.inflate(pieces: [[0xF2, 0x48, 0xCD], [0xC9, 0xC9, 0x07, 0x00]]) == ascii("Hello"))
    }

    @Test("Bytes that stand in the output already stay, and count for the limit")
    func appends() throws {
        let decompressor = try codecs().decompressor
        var output = ascii("abc")
        try decompressor.inflate(
            pieces: [[0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]], maximumBytes: 8, into: &output)
        #expect(output == ascii("abcHello"))
        #expect(throws: ProtocolViolation.messageTooBig) {
            try decompressor.inflate(pieces: [[0xF2, 0x00, 0x11, 0x00, 0x00]], maximumBytes: 12, into: &output)
        }
    }

    @Test("An output that is above the limit before anything is decoded is too big")
    func aboveTheLimit() throws {
        let decompressor = try codecs().decompressor
        var output = ascii("abc")
        #expect(throws: ProtocolViolation.messageTooBig) {
            try decompressor.inflate(pieces: [[0x00]], maximumBytes: 2, into: &output)
        }
    }

    @Test("No limit at all does not overflow")
    func noLimit() throws {
        let decompressor = try codecs().decompressor
        let message: [UInt8] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]
        #expect(try decompressor.inflate(message, maximumBytes: .max) == ascii("Hello"))
    }

    // MARK: Limits

    @Test("64 KiB that become 64 MiB of zeros stop at the limit, whole and in fragments", arguments: [1, 7, 4096])
    func bomb(pieceCount: Int) throws {
        // The server's own compressor leaves so long a message as it is.
        let stream = try #require(DeflateStream(windowBits: 15, level: 9, memoryLevel: 8))
        var bomb: [UInt8] = []
        let isCompressed = [UInt8](repeating: 0, count: 64 << 20).withUnsafeBytes {
            stream.encode($0, scratch: ScratchBuffer(), into: &bomb)
        }
        #expect(isCompressed)
        #expect(bomb.count < 70_000)
        let size = bomb.count / pieceCount + 1
        let pieces = stride(from: 0, to: bomb.count, by: size).map { Array(bomb[$0..<min($0 + size, bomb.count)]) }
        for parameters in [DeflateParameters(), withoutTakeover] {
            let decompressor = try codecs(parameters).decompressor
            var output: [UInt8] = []
            #expect(throws: ProtocolViolation.messageTooBig) {
                try decompressor.inflate(pieces: pieces, maximumBytes: 1 << 20, into: &output)
            }
            #expect(output.count <= 1 << 20)
            // The array may double when it grows, but nobody believed the bomb.
            #expect(output.capacity <= 4 << 20)
            #expect(throws: ProtocolViolation.messageTooBig) { try decompressor.inflate([0x00]) }
        }
    }

    @Test(
        "Exactly the limit is accepted, one byte more is not",
        arguments: [1, 100, ScratchBuffer.byteCount - 1, ScratchBuffer.byteCount, ScratchBuffer.byteCount + 1, 1 << 20])
    func exactLimit(count: Int) throws {
        for content in [[UInt8](repeating: 0, count: count), noise(count)] {
            let payload = try #require(try codecs().compressor.deflate(content))
            #expect(try codecs().decompressor.inflate(payload, maximumBytes: count) == content)
            #expect(try codecs().decompressor.inflate(payload, maximumBytes: count + 1) == content)
            #expect(throws: ProtocolViolation.messageTooBig) {
                try codecs().decompressor.inflate(payload, maximumBytes: count - 1)
            }
        }
    }

    @Test("After a message of exactly the limit the next one is read as usual")
    func afterTheLimit() throws {
        let pair = try codecs(DeflateParameters(), role: .server)
        let peer = try codecs(DeflateParameters(), role: .client)
        for seed in 1...4 {
            let content = chatter(ScratchBuffer.byteCount * 2, seed: UInt64(seed))
            let payload = try #require(peer.compressor.deflate(content))
            #expect(try pair.decompressor.inflate(payload, maximumBytes: content.count) == content)
        }
    }

    @Test("All that a piece decodes to is there when the piece was read, also across the scratch space's end")
    func prompt() throws {
        // One literal and matches of three bytes: the last one has a byte on this side of the end and two beyond it.
        let matches = (ScratchBuffer.byteCount - 2) / 3 + 1
        var writer = BlockWriter()
        writer.beginFixed()
        writer.literals("a")
        for _ in 0..<matches { writer.match(distance: 1) }
        let cut = writer.bytes.count
        writer.endFixed()
        writer.endMessage()
        let content = [UInt8](repeating: 0x61, count: 1 + 3 * matches)
        #expect(content.count > ScratchBuffer.byteCount)
        let decompressor = try codecs().decompressor
        var output: [UInt8] = []
        try decompressor.inflate(Array(writer.bytes.prefix(cut)), isFinal: false, into: &output)
        #expect(output == content)
        try decompressor.inflate(Array(writer.bytes.dropFirst(cut)), isFinal: true, into: &output)
        #expect(output == content)
    }

    // MARK: Data that is wrong

    static let invalid: [(String, [UInt8])] = {
        var before = BlockWriter()
        before.beginFixed()
        before.match(distance: 1)
        before.endFixed()
        before.endMessage()
        var past = BlockWriter()
        past.beginFixed()
        past.literals("abcdef")
        past.match(distance: 7)
        past.endFixed()
        past.endMessage()
        var code = BlockWriter()
        code.beginFixed()
        code.code(0b1100_0110, 8)  // 286, which stands in no block
        code.endFixed()
        code.endMessage()
        var trailing = BlockWriter()
        trailing.beginFixed(isFinal: true)
        trailing.literals("x")
        trailing.endFixed()
        trailing.align()
        trailing.bits(0xFF, 8)
        return [
            ("a block type that does not exist", [0x06]),
            ("a stored block whose lengths disagree", [0x00, 0x05, 0x00, 0x00, 0x00, 0x01]),
            ("a distance before the first byte", before.bytes),
            ("a distance past the window", past.bytes),
            ("a length code that does not exist", code.bytes),
            ("a dynamic block with too many codes", [0xFC, 0xFF, 0xFF]),
            ("rubbish after a final block", trailing.bytes),
            ("random bytes", [0xFF, 0xD8, 0x13, 0x99, 0x42, 0x07, 0xA1]),
            ("a stored block that ends early", [0x00, 0x64, 0x00, 0x9B, 0xFF, 0x41]),
            ("an end in the middle of a block", [0xF2, 0x48, 0xCD]),
            ("no empty block at the end", [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07]),
            (
                "the four bytes were not taken off, and one is lost",
                [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00, 0xFF]
            ),
        ]
    }()

    @Test("Corrupt and truncated data is refused for good, at every split", arguments: invalid)
    func corrupt(name: String, payload: [UInt8]) throws {
        for parameters in [DeflateParameters(), withoutTakeover] {
            for cut in 0...payload.count {
                let decompressor = try codecs(parameters).decompressor
                #expect(throws: ProtocolViolation.compressedDataInvalid) {
                    try decompressor.inflate(pieces: [Array(payload.prefix(cut)), Array(payload.dropFirst(cut))])
                }
                #expect(throws: ProtocolViolation.compressedDataInvalid) {
                    try decompressor.inflate([0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00])
                }
            }
        }
    }

    @Test("A message that lost its end is refused wherever it was cut")
    func truncated() throws {
        let content = chatter(3000)
        let payload = try #require(try codecs().compressor.deflate(content))
        for count in 1..<payload.count {
            #expect(throws: ProtocolViolation.compressedDataInvalid) {
                try codecs().decompressor.inflate(Array(payload.prefix(count)))
            }
        }
    }

    @Test("A distance past the negotiated window is refused, one within it is not (§7.1.2)")
    func window() throws {
        // A client that was told 8 may be built on zlib, which takes 9 for it.
        for (bits, distance, isInside) in [(9, 512, true), (9, 513, false), (10, 1000, true), (8, 512, true)] {
            let decompressor = try codecs(DeflateParameters(clientMaxWindowBits: bits)).decompressor
            var first = BlockWriter()
            first.stored(noise(1000))
            first.endMessage()
            var second = BlockWriter()
            second.beginFixed()
            second.match(distance: distance)
            second.endFixed()
            second.endMessage()
            #expect(try decompressor.inflate(first.bytes) == noise(1000))
            if isInside {
                #expect(try decompressor.inflate(second.bytes) == Array(noise(1000)[(1000 - distance)...].prefix(3)))
            } else {
                #expect(throws: ProtocolViolation.compressedDataInvalid) { try decompressor.inflate(second.bytes) }
            }
        }
    }

    @Test("Without context takeover a message can not refer to the one before it (§7.1.1)")
    func noTakeover() throws {
        let decompressor = try codecs(withoutTakeover).decompressor
        #expect(try decompressor.inflate([0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]) == ascii("Hello"))
        #expect(throws: ProtocolViolation.compressedDataInvalid) {
            try decompressor.inflate([0xF2, 0x00, 0x11, 0x00, 0x00])
        }
    }

    @Test("Any bytes end in a result or an error, never in a loop or a trap")
    func fuzz() throws {
        let valid = try #require(try codecs().compressor.deflate(chatter(600)))
        for seed in 1...2000 {
            var payload = seed % 2 == 0 ? valid : noise(40, seed: UInt64(seed))
            for change in noise(6, seed: UInt64(seed) &+ 77) {
                payload[Int(change) % payload.count] ^= 1 << (change >> 5)
            }
            let decompressor = try codecs().decompressor
            var output: [UInt8] = []
            do {
                try decompressor.inflate(pieces: [payload], maximumBytes: 4096, into: &output)
            } catch {
                #expect(error == .compressedDataInvalid || error == .messageTooBig)
            }
            #expect(output.count <= 4096)
        }
    }

    @Test("When zlib gives no stream, the message is refused")
    func noStream() {
        // zlib has no window of 16 bits; it refuses as it would without memory.
        #expect(InflateStream(windowBits: 16) == nil)
        let decompressor = InflateDecompressor(
            windowBits: 16, contextTakeover: true, pool: InflaterPool(scratch: ScratchBuffer()))
        #expect(throws: ProtocolViolation.compressedDataInvalid) { try decompressor.inflate([0x00]) }
    }
}
