import Testing
import WebSocketCore

/// Drives a ``ConnectionStateMachine`` as a carrier does: keeps what was not consumed and shows it again with the bytes
/// that follow. Everything that the state machine promises about its memory is checked on the way.
struct Carrier {
    /// Where the unmasked payloads go.
    enum Memory: CaseIterable {
        case inPlace, separate
    }

    var machine: ConnectionStateMachine
    let memory: Memory
    var now = MonotonicInstant(milliseconds: 0)
    private(set) var observations: [Observation] = []
    private(set) var tail: [UInt8] = []
    /// The messages among the observations.
    var messages: [Observation] { observations.filter { if case .message = $0 { true } else { false } } }

    init(
        role: Role = .server, limits: ConnectionLimits = .withoutRates, memory: Memory = .inPlace,
        decompressor: (any MessageDecompressor)? = nil
    ) {
        machine = ConnectionStateMachine(role: role, limits: limits, decompressor: decompressor, now: now)
        self.memory = memory
    }

    /// Shows bytes to the state machine until it needs more.
    mutating func receive(_ bytes: some Collection<UInt8>) {
        let input = tail + bytes
        machine.receivedBytes(bytes.count, now: now)
        let margin = 16
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: input.count + 2 * margin, alignment: 1)
        let source = UnsafeMutableRawBufferPointer.allocate(byteCount: input.count, alignment: 1)
        defer {
            room.deallocate()
            source.deallocate()
        }
        room.initializeMemory(as: UInt8.self, repeating: 0xA5)
        source.copyBytes(from: input)
        let output = UnsafeMutableRawBufferPointer(rebasing: room[margin..<margin + input.count])
        if memory == .inPlace { output.copyBytes(from: input) }
        guard let base = output.baseAddress else { return }

        var position = 0
        for step in 0... {
            let before = position
            let shown = UnsafeRawBufferPointer(memory == .inPlace ? output : source)
            let event = machine.next(shown, position: &position, output: base, now: now)
            expect(position >= before && position <= input.count, "the position went back, or past the end")
            if event == .needsInput || event == .held {
                if event == .held { observe(event, output) }
                break
            }
            observe(event, output)
            guard step <= 2 * input.count else {
                Issue.record("the state machine does not come to an end")
                break
            }
        }
        let guards = Array(room.prefix(margin)) + Array(room.suffix(margin))
        expect(guards == [UInt8](repeating: 0xA5, count: 2 * margin), "memory beside the output was written")
        expect(memory == .inPlace || Array(source) == input, "the input was written")
        tail = Array(input[position...])
        expect(tail.count <= 139 || observations.last == .held, "\(tail.count) bytes were not consumed")
        expect(memory == .separate || Array(output[position...]) == tail, "bytes that were not consumed were written")
    }

    /// As the macro, which would take most of the time of the tests here.
    private func expect(_ condition: Bool, _ comment: @autoclosure () -> String) {
        if !condition { Issue.record("\(comment())") }
    }

    private mutating func observe(_ event: ConnectionEvent, _ output: UnsafeMutableRawBufferPointer) {
        switch event {
        case .needsInput: break
        case .message(let kind, let range): observations.append(.message(kind, Array(output[range])))
        case .assembledMessage(let kind, let bytes): observations.append(.message(kind, bytes))
        case .sendPong(let range): observations.append(.pong(Array(output[range])))
        case .held: observations.append(.held)
        case .closing(let action): observations.append(.closing(action))
        }
    }
}

extension ConnectionLimits {
    /// The defaults, but any number of messages and control frames a second.
    static var withoutRates: ConnectionLimits {
        var limits = ConnectionLimits()
        limits.messagesPerSecond = nil
        limits.controlFramesPerSecond = nil
        return limits
    }

    /// No rates, and a larger message limit.
    static func large(_ bytes: Int) -> ConnectionLimits {
        var limits = withoutRates
        limits.setMaximumMessage(bytes: bytes)
        return limits
    }
}
