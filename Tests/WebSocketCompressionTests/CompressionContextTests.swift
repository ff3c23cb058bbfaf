import Testing
import WebSocketCore

@testable import WebSocketCompression

@Suite("The compression of a loop", .timeLimit(.minutes(5)))
struct CompressionContextTests {
    private static let offer = [ExtensionElement(name: "permessage-deflate")]
    private static let hello: [UInt8] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]
    /// What a connection with windows of 15 bits both ways and memory level 8 takes.
    private static let full =
        CompressionBudget.deflateBytes(windowBits: 15, memoryLevel: 8) + CompressionBudget.inflateBytes(windowBits: 15)

    @Test("The estimates are zlib's own formulas and some KiB for small objects")
    func estimates() {
        #expect(CompressionBudget.deflateBytes(windowBits: 15, memoryLevel: 8) == 256 << 10 + 6 << 10)
        #expect(CompressionBudget.deflateBytes(windowBits: 9, memoryLevel: 1) == 2048 + 1024 + 6144)
        #expect(CompressionBudget.inflateBytes(windowBits: 15) == 39 << 10)
        #expect(CompressionBudget.inflateBytes(windowBits: 8) == CompressionBudget.inflateBytes(windowBits: 9))
    }

    @Test("A budget gives no more than it has, and takes back")
    func budget() {
        let budget = CompressionBudget(bytes: 100)
        #expect(budget.limitBytes == 100)
        #expect(!budget.reserve(101))
        #expect(budget.reserve(60))
        #expect(!budget.reserve(41))
        #expect(budget.reserve(40))
        #expect(budget.reservedBytes == 100)
        #expect(budget.reserve(0))
        #expect(!budget.reserve(1))
        budget.release(60)
        #expect(budget.reservedBytes == 40)
        #expect(!budget.reserve(.max))
        #expect(!CompressionBudget(bytes: -1).reserve(1))
        #expect(CompressionBudget().limitBytes == CompressionBudget.defaultBytes)
    }

    @Test("A budget counts right when many threads use it")
    func concurrentBudget() async {
        let budget = CompressionBudget(bytes: 1000)
        let most = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var most = 0
                    for _ in 0..<5000 where budget.reserve(300) {
                        most = max(most, budget.reservedBytes)
                        budget.release(300)
                    }
                    return most
                }
            }
            return await group.reduce(0, max)
        }
        #expect(most <= 900 && most >= 300)
        #expect(budget.reservedBytes == 0)
    }

    @Test("A dedicated connection is counted when it is accepted, declined when nothing is left, and given back")
    func dedicated() throws {
        let budget = CompressionBudget(bytes: Self.full * 2 + 100)
        let loops = (0..<2).map { _ in CompressionContext(DeflateConfiguration(mode: .dedicated), budget: budget) }
        var first = loops[0].accept(Self.offer)
        var second = loops[1].accept(Self.offer)
        #expect(first != nil && second != nil)
        #expect(budget.reservedBytes == Self.full * 2)
        #expect(loops[0].accept(Self.offer) == nil)
        #expect(loops[1].accept(Self.offer) == nil)

        // What the half that is still there needs is not known to be free before both are gone.
        var compressor = first?.codecs.compressor
        first = nil
        #expect(budget.reservedBytes == Self.full * 2)
        #expect(compressor?.deflate(ascii("Hello")) == Self.hello)
        compressor = nil
        #expect(budget.reservedBytes == Self.full)
        #expect(loops[0].accept(Self.offer) != nil)
        second = nil
        #expect(budget.reservedBytes == 0)
        _ = (first, second, compressor)
    }

    @Test("Only what keeps a window is counted")
    func counted() throws {
        let budget = CompressionBudget()
        let context = CompressionContext(DeflateConfiguration(mode: .dedicated, memoryLevel: 5), budget: budget)
        let offers: [(String, Int)] = [
            ("permessage-deflate; server_no_context_takeover; client_no_context_takeover", 0),
            ("permessage-deflate; server_no_context_takeover", CompressionBudget.inflateBytes(windowBits: 15)),
            (
                "permessage-deflate; client_no_context_takeover; server_max_window_bits=10",
                CompressionBudget.deflateBytes(windowBits: 10, memoryLevel: 5)
            ),
            (
                "permessage-deflate; client_max_window_bits=10; server_max_window_bits=11",
                CompressionBudget.deflateBytes(windowBits: 11, memoryLevel: 5)
                    + CompressionBudget.inflateBytes(windowBits: 10)
            ),
        ]
        for (offer, bytes) in offers {
            let accepted = try #require(context.accept(try ExtensionElement.parse([offer])))
            #expect(budget.reservedBytes == bytes)
            _ = accepted
        }
        #expect(budget.reservedBytes == 0)
    }

    @Test("Shared streams cost no budget, and off accepts nothing")
    func sharedCostsNothing() throws {
        let context = CompressionContext(DeflateConfiguration(mode: .shared), budget: CompressionBudget(bytes: 0))
        let accepted = try (0..<100).map { _ in try #require(context.accept(Self.offer)) }
        #expect(accepted.allSatisfy { $0.codecs.compressor === accepted[0].codecs.compressor })
        #expect(
            accepted[0].response.description
                == "permessage-deflate; server_no_context_takeover; client_no_context_takeover")
        let off = CompressionContext(DeflateConfiguration(mode: .off), budget: CompressionBudget())
        #expect(off.accept(Self.offer) == nil)
        #expect(off.offer() == nil)
    }

    @Test("A loop has one compressor for each window")
    func sharedWindows() throws {
        let context = CompressionContext(DeflateConfiguration(mode: .shared), budget: CompressionBudget())
        let small = try ExtensionElement.parse(["permessage-deflate; server_max_window_bits=9"])
        let one = try #require(context.accept(small)).codecs
        let two = try #require(context.accept(Self.offer)).codecs
        let three = try #require(context.accept(small)).codecs
        #expect(one.compressor !== two.compressor)
        #expect(one.compressor === three.compressor)
        var reference = ReferenceInflater(windowBits: 9)
        let content = chatter(10_000)
        #expect(try reference.message(try #require(one.compressor.deflate(content))) == content)
    }

    // MARK: The pool

    @Test("Half messages of two connections that share streams do not mix, at every split")
    func interleaved() throws {
        let context = CompressionContext(DeflateConfiguration(mode: .shared), budget: CompressionBudget())
        let one = try #require(context.accept(Self.offer)).codecs
        let two = try #require(context.accept(Self.offer)).codecs
        let first = chatter(120, seed: 1)
        let second = chatter(120, seed: 2)
        let firstPayload = try #require(one.compressor.deflate(first))
        let secondPayload = try #require(two.compressor.deflate(second))
        for cut in 0...min(firstPayload.count, secondPayload.count) {
            var firstOutput: [UInt8] = []
            var secondOutput: [UInt8] = []
            try one.decompressor.inflate(Array(firstPayload.prefix(cut)), isFinal: false, into: &firstOutput)
            try two.decompressor.inflate(Array(secondPayload.prefix(cut)), isFinal: false, into: &secondOutput)
            try one.decompressor.inflate(Array(firstPayload.dropFirst(cut)), isFinal: true, into: &firstOutput)
            try two.decompressor.inflate(Array(secondPayload.dropFirst(cut)), isFinal: true, into: &secondOutput)
            #expect(firstOutput == first)
            #expect(secondOutput == second)
        }
    }

    @Test("A connection can not refer to what another one received through the same stream")
    func isolation() throws {
        let context = CompressionContext(DeflateConfiguration(mode: .shared), budget: CompressionBudget())
        let victim = try #require(context.accept(Self.offer)).codecs.decompressor
        let attacker = try #require(context.accept(Self.offer)).codecs.decompressor
        var secret = BlockWriter()
        secret.stored(ascii("secret"))
        secret.endMessage()
        var theft = BlockWriter()
        theft.beginFixed()
        theft.match(distance: 6)
        theft.endFixed()
        theft.endMessage()
        #expect(try victim.inflate(secret.bytes) == ascii("secret"))
        var output: [UInt8] = []
        #expect(throws: ProtocolViolation.compressedDataInvalid) {
            try attacker.inflate(pieces: [theft.bytes], maximumBytes: 100, into: &output)
        }
        #expect(output.isEmpty)
        #expect(try victim.inflate(secret.bytes) == ascii("secret"))
    }

    @Test("A stream comes back after a message, and a bad or unfinished message takes it away")
    func pool() throws {
        let pool = InflaterPool(scratch: ScratchBuffer())
        func connection() -> InflateDecompressor {
            InflateDecompressor(windowBits: 15, contextTakeover: false, pool: pool)
        }
        let one = connection()
        #expect(pool.idle.isEmpty)
        #expect(try one.inflate(Self.hello) == ascii("Hello"))
        #expect(pool.idle.count == 1)
        var output: [UInt8] = []
        try one.inflate([0xF2], isFinal: false, into: &output)
        #expect(pool.idle.isEmpty)
        try one.inflate(Array(Self.hello.dropFirst()), isFinal: true, into: &output)
        #expect(output == ascii("Hello"))
        #expect(pool.idle.count == 1)

        let bad = connection()
        #expect(throws: ProtocolViolation.compressedDataInvalid) { try bad.inflate([0x06]) }
        #expect(bad.stream == nil)
        #expect(pool.idle.isEmpty)
        #expect(try one.inflate(Self.hello) == ascii("Hello"))
        try connection().inflate([0xF2], isFinal: false, into: &output)
        #expect(pool.idle.isEmpty)
    }

    @Test("The pool keeps only a few streams after a rush")
    func poolIsBounded() throws {
        let pool = InflaterPool(scratch: ScratchBuffer())
        let connections = (0..<InflaterPool.maximumIdle + 3).map { _ in
            InflateDecompressor(windowBits: 15, contextTakeover: false, pool: pool)
        }
        var outputs = connections.map { _ in [UInt8]() }
        for index in connections.indices {
            try connections[index].inflate([0xF2, 0x48], isFinal: false, into: &outputs[index])
        }
        for index in connections.indices {
            try connections[index].inflate(Array(Self.hello.dropFirst(2)), isFinal: true, into: &outputs[index])
            #expect(outputs[index] == ascii("Hello"))
        }
        #expect(pool.idle.count == InflaterPool.maximumIdle)
    }

    @Test("Streams are made with the first message, not with the connection")
    func lazy() throws {
        let pool = InflaterPool(scratch: ScratchBuffer())
        // A window that zlib refuses shows when a stream is made.
        let decompressor = InflateDecompressor(windowBits: 16, contextTakeover: true, pool: pool)
        #expect(throws: ProtocolViolation.compressedDataInvalid) { try decompressor.inflate([0x00]) }
        let compressor = DeflateCompressor(
            windowBits: 8, contextTakeover: true, configuration: DeflateConfiguration(), scratch: pool.scratch)
        #expect(compressor.deflate([]) == [0x00])
        #expect(compressor.deflate([1]) == nil)
        #expect(DeflateCompressor.minimumPayload > 0)
    }

    // MARK: The client

    @Test("A client reserves for the dearest answer and gives back what the real one does not need")
    func client() throws {
        let budget = CompressionBudget(bytes: Self.full)
        let context = CompressionContext(DeflateConfiguration(mode: .dedicated), budget: budget)
        var offer = context.offer()
        #expect(offer?.element.description == "permessage-deflate; client_max_window_bits")
        #expect(budget.reservedBytes == Self.full)
        #expect(context.offer() == nil)

        let response = try ExtensionElement.parse([
            "permessage-deflate; server_max_window_bits=10; client_no_context_takeover"
        ])
        var codecs = try context.confirm(response, for: offer)
        offer = nil
        #expect(codecs?.parameters == DeflateParameters(clientNoContextTakeover: true, serverMaxWindowBits: 10))
        #expect(budget.reservedBytes == CompressionBudget.inflateBytes(windowBits: 10))
        #expect(try codecs?.decompressor.inflate(Self.hello) == ascii("Hello"))
        codecs = nil
        #expect(budget.reservedBytes == 0)
    }

    @Test("A client whose offer is declined, dropped or answered wrongly gives everything back")
    func clientDeclined() throws {
        let budget = CompressionBudget()
        let context = CompressionContext(DeflateConfiguration(mode: .dedicated), budget: budget)
        for response in [[], [ExtensionElement(name: "other")]] {
            var offer = context.offer()
            #expect(budget.reservedBytes == Self.full)
            if response.isEmpty {
                #expect(try context.confirm(response, for: offer) == nil)
            } else {
                #expect(throws: DeflateNegotiationError.extensionNotOffered) {
                    try context.confirm(response, for: offer)
                }
            }
            offer = nil
            #expect(budget.reservedBytes == 0)
            _ = offer
        }
        #expect(try context.confirm([], for: nil) == nil)
        #expect(throws: DeflateNegotiationError.extensionNotOffered) { try context.confirm(Self.offer, for: nil) }
    }

    @Test(
        "A client and a server talk, in both modes and both directions",
        arguments: [
            CompressionMode.shared, .dedicated,
        ])
    func conversation(mode: CompressionMode) throws {
        let budget = CompressionBudget()
        let server = CompressionContext(DeflateConfiguration(mode: mode), budget: budget)
        let client = CompressionContext(DeflateConfiguration(mode: mode, level: 6), budget: budget)
        for _ in 0..<3 {
            let offer = try #require(client.offer())
            let accepted = try #require(server.accept([offer.element]))
            let confirmed = try #require(try client.confirm([accepted.response], for: offer))
            #expect(confirmed.parameters == accepted.codecs.parameters)
            for seed in 1...5 {
                let content = chatter(2000, seed: UInt64(seed))
                let up = try #require(confirmed.compressor.deflate(content))
                #expect(try accepted.codecs.decompressor.inflate(up) == content)
                let down = try #require(accepted.codecs.compressor.deflate(content))
                #expect(try confirmed.decompressor.inflate(pieces: down.map { [$0] }) == content)
            }
        }
    }
}
