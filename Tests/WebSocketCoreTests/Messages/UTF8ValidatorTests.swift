import Testing
import WebSocketCore

@Suite("RFC 6455 §8.1: text is UTF-8, checked against a slow reference", .timeLimit(.minutes(5)))
struct UTF8ValidatorTests {
    @Test("Every sequence of one and two bytes is judged as by the reference (RFC 3629 §4)")
    func oneAndTwoBytes() {
        for first in UInt8.min...UInt8.max {
            expectSame([first])
            for second in UInt8.min...UInt8.max { expectSame([first, second]) }
        }
    }

    @Test("Sequences of three bytes with every lead and second byte are judged as by the reference (RFC 3629 §4)")
    func threeBytes() {
        for first in UInt8(0xDF)...0xF5 {
            for second in UInt8.min...UInt8.max {
                for third: UInt8 in [0x00, 0x7F, 0x80, 0xBF, 0xC0, 0xFF] { expectSame([first, second, third]) }
            }
        }
    }

    @Test("Sequences of four bytes at the borders are judged as by the reference (RFC 3629 §4)")
    func fourBytes() {
        let borders: [UInt8] = [0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2]
        for first in UInt8(0xEF)...0xF8 {
            for second in borders {
                for third in borders {
                    for fourth in borders { expectSame([first, second, third, fourth]) }
                }
            }
        }
    }

    @Test("A wrong or unfinished sequence is found wherever it stands in a long text", arguments: 0..<8)
    func insideLongText(_ seed: Int) {
        let sequences: [[UInt8]] = [
            [0x80], [0xBF], [0xC0], [0xC1, 0xBF], [0xC2], [0xDF, 0xBF], [0xE0, 0x9F, 0xBF], [0xE0, 0xA0, 0x80],
            [0xE4, 0xBD], [0xED, 0x9F, 0xBF], [0xED, 0xA0, 0x80], [0xEE, 0x80], [0xEF, 0xBF, 0xBF], [0xF0, 0x8F],
            [0xF0, 0x90, 0x80, 0x80], [0xF4, 0x8F, 0xBF, 0xBF], [0xF4, 0x90], [0xF5], [0xFF], [0xE4, 0x41, 0xA0],
            [0xE4, 0xBD, 0xC0], [0xE4, 0xBD, 0x41],
        ]
        let fillers: [[UInt8]] = [[0x41], Array("你".utf8), Array("ж".utf8), Array("한".utf8), Array("ไ".utf8)]
        let filler = fillers[seed % fillers.count]
        for sequence in sequences {
            for before in 0..<75 {
                let text = Array(repeatElement(filler, count: before).joined()) + sequence
                expectSame(text)
                expectSame(text + Array(repeatElement(filler, count: seed * 10).joined()))
            }
        }
    }

    @Test(
        "Random texts, right and damaged, fail at the same byte as by the reference, in any pieces",
        arguments: 0..<20)
    func random(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for round in 0..<60 {
            var text: [UInt8] = []
            while text.count < 100 {
                let top: UInt32 = [0x80, 0x800, 0x1_0000, 0x11_0000].randomElement(using: &random) ?? 0x80
                guard let scalar = Unicode.Scalar(UInt32.random(in: 0..<top, using: &random)) else { continue }
                text += Array(Character(scalar).utf8)
            }
            if round % 4 != 0 {
                text[Int.random(in: 0..<text.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            expectSame(text)
            expectSameInPieces(text, &random)
        }
    }

    @Test("Random bytes fail at the same byte as by the reference", arguments: 0..<4)
    func randomBytes(_ seed: UInt64) {
        var random = SeededGenerator(seed: 1000 + seed)
        for _ in 0..<500 { expectSame(random.bytes(Int.random(in: 0...12, using: &random))) }
    }

    @Test("A failure is permanent, and a boundary is told only where a character ends (RFC 6455 §8.1)")
    func states() {
        var validator = UTF8Validator()
        #expect(validator.isAtBoundary && !validator.hasFailed)
        #expect(validate(&validator, [0xE4, 0xBD]))
        #expect(!validator.isAtBoundary && !validator.hasFailed)
        #expect(validate(&validator, []))
        let isRight = validator.validate(UnsafeRawBufferPointer(start: nil, count: 0))
        #expect(isRight && !validator.isAtBoundary)
        #expect(validate(&validator, [0xA0]))
        #expect(validator.isAtBoundary)
        #expect(!validate(&validator, [0xFF]))
        #expect(validator.hasFailed && !validator.isAtBoundary)
        #expect(!validate(&validator, [0x41]))
        #expect(!validate(&validator, []))
        let isStillRight = validator.validate(UnsafeRawBufferPointer(start: nil, count: 0))
        #expect(!isStillRight)
    }

    /// Judged whole, and byte by byte with the position of the first wrong one; and every prefix of a failing text.
    private func expectSame(_ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) {
        let wrong = ReferenceText.firstWrongByte(bytes)
        var whole = UTF8Validator()
        let isRight = validate(&whole, bytes) == (wrong == nil) && whole.hasFailed == (wrong != nil)
        let endsRight = whole.isAtBoundary == ReferenceText.isText(bytes)
        var stepwise = UTF8Validator()
        let position = bytes.firstIndex { !validate(&stepwise, [$0]) }
        // The whole text up to the wrong byte is fine, and with it not: it is found in long pieces, too.
        var prefix = UTF8Validator()
        var failsThere = true
        if let wrong {
            failsThere = validate(&prefix, Array(bytes[..<wrong])) && !validate(&prefix, [bytes[wrong]])
        }
        guard isRight, endsRight, position == wrong, failsThere else {
            Issue.record(
                "\(bytes): \(String(describing: position)) instead of \(String(describing: wrong))",
                sourceLocation: sourceLocation)
            return
        }
    }

    private func expectSameInPieces(_ bytes: [UInt8], _ random: inout SeededGenerator) {
        let wrong = ReferenceText.firstWrongByte(bytes)
        for cut in 0...bytes.count {
            var validator = UTF8Validator()
            let first = validate(&validator, Array(bytes[..<cut]))
            let second = validate(&validator, Array(bytes[cut...]))
            #expect(first == (wrong.map { $0 >= cut } ?? true) && second == (wrong == nil))
        }
        var validator = UTF8Validator()
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 0...9, using: &random))
            rest = rest.dropFirst(piece.count)
            validate(&validator, Array(piece))
        }
        #expect(validator.hasFailed == (wrong != nil) && validator.isAtBoundary == ReferenceText.isText(bytes))
    }

    @discardableResult
    private func validate(_ validator: inout UTF8Validator, _ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { validator.validate($0) }
    }
}
