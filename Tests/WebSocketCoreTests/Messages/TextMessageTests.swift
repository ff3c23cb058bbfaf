import Testing
import WebSocketCore

@Suite("RFC 6455 §8.1: the UTF-8 of text messages, vectors as in Autobahn section 6", .timeLimit(.minutes(5)))
struct TextMessageTests {
    struct Vector: Sendable {
        var name: String
        var bytes: [UInt8]
        var isText: Bool
    }

    private static let kosme: [UInt8] = [0xCE, 0xBA, 0xE1, 0xBD, 0xB9, 0xCF, 0x83, 0xCE, 0xBC, 0xCE, 0xB5]

    static let vectors: [Vector] =
        right(
            "6.5",
            [
                Array("hello\u{24}world".utf8), Array("hello\u{A2}world".utf8), Array("hello\u{20AC}world".utf8),
                Array("hello\u{24B62}world".utf8), kosme,
            ])
        + (1...11).map { Vector(name: "6.6.\($0)", bytes: Array(kosme[..<$0]), isText: [2, 5, 7, 9, 11].contains($0)) }
        + right("6.7", [[0x00], [0xC2, 0x80], [0xE0, 0xA0, 0x80], [0xF0, 0x90, 0x80, 0x80]])
        + wrong("6.8", [[0xF8, 0x88, 0x80, 0x80, 0x80], [0xFC, 0x84, 0x80, 0x80, 0x80, 0x80]])
        + right("6.9", [[0x7F], [0xDF, 0xBF], [0xEF, 0xBF, 0xBF], [0xF4, 0x8F, 0xBF, 0xBF]])
        + wrong(
            "6.10", [[0xF7, 0xBF, 0xBF, 0xBF], [0xFB, 0xBF, 0xBF, 0xBF, 0xBF], [0xFD, 0xBF, 0xBF, 0xBF, 0xBF, 0xBF]])
        + right("6.11", [[0xED, 0x9F, 0xBF], [0xEE, 0x80, 0x80], [0xEF, 0xBF, 0xBD], [0xF4, 0x8F, 0xBF, 0xBF]])
        + wrong("6.11.5", [[0xF4, 0x90, 0x80, 0x80]])
        + wrong(
            "6.12", [[0x80], [0xBF]] + (2...7).map { Array([0x80, 0xBF, 0x80, 0xBF, 0x80, 0xBF, 0x80].prefix($0)) })
        + wrong("6.12.8", [Array(0x80...0xBF)])
        + wrong(
            "6.13",
            [UInt8(0xC0)...0xDF, 0xE0...0xEF, 0xF0...0xF7, 0xF8...0xFB, 0xFC...0xFD].map { leads in
                leads.flatMap { [$0, 0x20] }
            })
        + wrong("6.14", unfinished)
        + wrong("6.15", [Array(unfinished.joined())])
        + wrong("6.16", [[0xFE], [0xFF], [0xFE, 0xFE, 0xFF, 0xFF]])
        + wrong(
            "6.17",
            [
                [0xC0, 0xAF], [0xE0, 0x80, 0xAF], [0xF0, 0x80, 0x80, 0xAF], [0xF8, 0x80, 0x80, 0x80, 0xAF],
                [0xFC, 0x80, 0x80, 0x80, 0x80, 0xAF],
            ])
        + wrong(
            "6.18",
            [
                [0xC1, 0xBF], [0xE0, 0x9F, 0xBF], [0xF0, 0x8F, 0xBF, 0xBF], [0xF8, 0x87, 0xBF, 0xBF, 0xBF],
                [0xFC, 0x83, 0xBF, 0xBF, 0xBF, 0xBF],
            ])
        + wrong(
            "6.19",
            [
                [0xC0, 0x80], [0xE0, 0x80, 0x80], [0xF0, 0x80, 0x80, 0x80], [0xF8, 0x80, 0x80, 0x80, 0x80],
                [0xFC, 0x80, 0x80, 0x80, 0x80, 0x80],
            ])
        + wrong("6.20", surrogates)
        + wrong("6.21", surrogates[..<4].flatMap { first in surrogates[4...].map { first + $0 } })
        + right(
            "6.22", (0...16).flatMap { plane in [0xFFFE, 0xFFFF].map { scalar(plane << 16 | $0) } })
        + right("6.23", (0xFFF9...0xFFFF).map(scalar))

    private static let unfinished: [[UInt8]] = [
        [0xC0], [0xE0, 0x80], [0xF0, 0x80, 0x80], [0xF8, 0x80, 0x80, 0x80], [0xFC, 0x80, 0x80, 0x80, 0x80],
        [0xDF], [0xEF, 0xBF], [0xF7, 0xBF, 0xBF], [0xFB, 0xBF, 0xBF, 0xBF], [0xFD, 0xBF, 0xBF, 0xBF, 0xBF],
    ]

    private static let surrogates: [[UInt8]] = [
        [0xED, 0xA0, 0x80], [0xED, 0xAD, 0xBF], [0xED, 0xAE, 0x80], [0xED, 0xAF, 0xBF],
        [0xED, 0xB0, 0x80], [0xED, 0xBE, 0x80], [0xED, 0xBF, 0xBF],
    ]

    @Test(
        "A text message is taken when it is UTF-8, and else answered with 1007 (Autobahn 6.5–6.23)",
        arguments: vectors)
    func vector(_ vector: Vector) {
        let expected: [Observation] =
            vector.isText ? [.message(.text, vector.bytes), .pong([1])] : [.violation(.textInvalidUTF8)]
        for role in PayloadLengthTests.roles {
            let whole = [RawFrame.text(vector.bytes), .ping([1])]
            #expect(observeEverySplit(whole.bytes(to: role), role: role) == expected)
            guard vector.bytes.count < 20 else { continue }
            // Each byte in a frame of its own.
            let fragments =
                [RawFrame.text("", isFinal: false)] + vector.bytes.map { .continuation([$0], isFinal: false) }
                + [.continuation([], isFinal: true), .ping([1])]
            #expect(observeEverySplit(fragments.bytes(to: role), role: role) == expected)
        }
    }

    @Test("A text of characters of all lengths is taken, cut anywhere (RFC 6455 §8.1; Autobahn 6.2.1–6.2.4)")
    func valid() {
        let text = Array("Hello-µ@ßöäüàá-UTF-8!! 你好，한국어 ไทย ж 😀".utf8)
        #expect(observeEverySplit(RawFrame.text(text).bytes()) == [.message(.text, text)])
        for cut in 0...text.count {
            var carrier = Carrier()
            let (head, rest) = (Array(text[..<cut]), Array(text[cut...]))
            let frames = [RawFrame.text(head, isFinal: false), .ping([9]), .continuation(rest, isFinal: true)]
            carrier.receive(frames.bytes())
            #expect(carrier.observations == [.pong([9]), .message(.text, text)])
        }
    }

    @Test(
        "A wrong byte ends the connection when it arrives (RFC 6455 §8.1; Autobahn 6.3.1–6.4.4)",
        arguments: [false, true])
    func failsFast(_ isFragmented: Bool) {
        // The text so far, four bytes of which the second can not be, and more that is not waited for.
        let before = Self.kosme + [0xF4]
        let payload = before + [0x90, 0x80, 0x80] + Array("edited".utf8)
        let frames =
            isFragmented
            ? [
                RawFrame.text(Self.kosme, isFinal: false),
                .continuation(Array(payload[Self.kosme.count...]), isFinal: true),
            ] : [RawFrame.text(payload)]
        let bytes = frames.bytes()
        let wrong = bytes.count - (payload.count - before.count)
        var carrier = Carrier()
        carrier.receive(bytes[..<wrong])
        #expect(carrier.observations.isEmpty)
        carrier.receive(bytes[wrong...wrong])
        #expect(carrier.observations == [.violation(.textInvalidUTF8)])
        #expect(ProtocolViolation.textInvalidUTF8.closeCode == .invalidPayload)
    }

    @Test("A wrong byte in the first of three fragments ends the connection at once (RFC 6455 §8.1)")
    func firstFragment() {
        var carrier = Carrier()
        carrier.receive(RawFrame.text([0x41, 0xC0], isFinal: false).bytes())
        #expect(carrier.observations == [.violation(.textInvalidUTF8)])
    }

    @Test("A text that ends inside a character is answered with 1007 at its end, not before (RFC 6455 §8.1)")
    func unfinishedText() {
        var carrier = Carrier()
        carrier.receive(RawFrame.text([0x41, 0xE4, 0xBD], isFinal: false).bytes())
        #expect(carrier.observations.isEmpty)
        carrier.receive(RawFrame.continuation([], isFinal: true).bytes())
        #expect(carrier.observations == [.violation(.textInvalidUTF8)])
    }

    @Test("A binary message may be anything (RFC 6455 §5.6)", arguments: [vectors.filter { !$0.isText }])
    func binary(_ vectors: [Vector]) {
        for vector in vectors {
            #expect(observeEverySplit(RawFrame.binary(vector.bytes).bytes()) == [.message(.binary, vector.bytes)])
        }
    }

    private static func right(_ name: String, _ all: [[UInt8]]) -> [Vector] {
        all.enumerated().map { Vector(name: "\(name).\($0 + 1)", bytes: $1, isText: true) }
    }

    private static func wrong(_ name: String, _ all: [[UInt8]]) -> [Vector] {
        all.enumerated().map { Vector(name: "\(name).\($0 + 1)", bytes: $1, isText: false) }
    }

    private static func scalar(_ value: Int) -> [UInt8] {
        Unicode.Scalar(UInt32(value)).map { Array(Character($0).utf8) } ?? []
    }
}
