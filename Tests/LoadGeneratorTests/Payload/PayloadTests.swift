import Testing
import WebSocketCore

@testable import LoadGenerator

@Suite("Payloads", .timeLimit(.minutes(5)))
struct PayloadTests {
    private let header = PayloadHeader(source: 3, sequence: 4, sentAt: 5)

    /// What a payload sends.
    private func sent(_ payload: Payload) -> (kind: MessageKind, bytes: [UInt8])? {
        let recorder = RecordingConnection()
        payload.send(header, on: recorder)
        return recorder.messages.first
    }

    private func check(_ payload: Payload, _ kind: MessageKind, _ bytes: [UInt8]) -> PayloadCheck {
        payload.check(kind, bytes.span.bytes)
    }

    @Test("What comes as it was sent is intact", arguments: [24, 25, 64, 1000, 70_000], [MessageKind.text, .binary])
    func intact(size: Int, kind: MessageKind) throws {
        let payload = Payload(size: size, kind: kind, seed: 1)
        let message = try #require(sent(payload))
        #expect(message.kind == kind)
        #expect(message.bytes.count == size)
        #expect(message.bytes.allSatisfy { 0x20...0x7E ~= $0 })
        #expect(check(payload, kind, message.bytes) == .intact(header))
    }

    @Test("A changed byte is noticed, wherever it is")
    func damaged() throws {
        let payload = Payload(size: 100, kind: .binary, seed: 1)
        let message = try #require(sent(payload))
        for index in message.bytes.indices {
            var bytes = message.bytes
            bytes[index] ^= 1
            #expect(check(payload, .binary, bytes) == (index < PayloadHeader.byteCount ? .foreign : .damaged))
        }
    }

    @Test("A piece in the wrong place is noticed: the filling has no short period", arguments: [1, 8, 64, 256])
    func shifted(_ distance: Int) throws {
        let payload = Payload(size: 2000, kind: .binary, seed: 1)
        let message = try #require(sent(payload))
        let filling = message.bytes.dropFirst(PayloadHeader.byteCount)
        let shifted = filling.dropFirst(distance) + filling.prefix(distance)
        #expect(check(payload, .binary, message.bytes.prefix(PayloadHeader.byteCount) + shifted) == .damaged)
    }

    @Test("Another kind, another size and another run are told apart")
    func others() throws {
        let payload = Payload(size: 64, kind: .binary, seed: 1)
        let message = try #require(sent(payload))
        #expect(check(payload, .text, message.bytes) == .otherKind(.text))
        #expect(check(payload, .binary, message.bytes.dropLast()) == .otherSize(63))
        #expect(check(payload, .binary, message.bytes + [0]) == .otherSize(65))
        #expect(check(payload, .binary, []) == .otherSize(0))
        #expect(check(Payload(size: 64, kind: .binary, seed: 2), .binary, message.bytes) == .foreign)
    }

    @Test("Each fault has words of its own")
    func words() {
        let faults = [PayloadCheck.otherKind(.text), .otherSize(3), .foreign, .damaged].map(\.fault)
        #expect(Set(faults).count == faults.count)
        #expect(faults[0].contains("text"))
        #expect(faults[1].contains("3 bytes"))
    }

    private func check(_ payload: Payload, _ kind: MessageKind, _ bytes: ArraySlice<UInt8>) -> PayloadCheck {
        check(payload, kind, Array(bytes))
    }
}
