import WebSocketCore

/// What a server does with one frame that has arrived whole.
enum Receiving {
    /// Parses and unmasks `count` text frames.
    static func parse(_ count: Int, payloadBytes: Int) -> Int {
        var parser = FrameParser(
            role: .server, maximumMessageBytes: 1 << 20, maximumFragments: 64, acceptsCompression: false)
        return withFrame(payloadBytes) { input, output in
            var sum = 0
            for _ in 0..<count {
                var position = 0
                do throws(ProtocolViolation) {
                    if case .data(let piece) = try parser.next(input, position: &position, output: output) {
                        sum &+= piece.range.count
                    }
                } catch {
                    return -1
                }
            }
            return sum
        }
    }

    /// Takes `count` text frames through the whole state machine, with the default limits and a clock that advances.
    static func receive(_ count: Int, payloadBytes: Int) -> Int {
        var limits = ConnectionLimits()
        limits.setMaximumMessage(bytes: 1 << 20)
        var machine = ConnectionStateMachine(
            role: .server, limits: limits, now: MonotonicInstant(milliseconds: 0))
        return withFrame(payloadBytes) { input, output in
            var sum = 0
            for number in 0..<count {
                let now = MonotonicInstant(milliseconds: UInt64(number) * 25)  // 40 messages a second
                var position = 0
                machine.receivedBytes(input.count, now: now)
                if case .message(_, let range) = machine.next(input, position: &position, output: output, now: now) {
                    sum &+= range.count
                }
                if case .needsInput = machine.next(input, position: &position, output: output, now: now) { sum &+= 1 }
            }
            return sum
        }
    }

    private static func withFrame(
        _ payloadBytes: Int, _ body: (UnsafeRawBufferPointer, UnsafeMutableRawPointer) -> Int
    ) -> Int {
        let key: UInt32 = 0x4B5A_6978
        var frame: [UInt8] = []
        FrameHeader.append(opcode: .text, maskingKey: key, payloadLength: payloadBytes, to: &frame)
        for index in 0..<payloadBytes {
            frame.append(UInt8(97 + index % 26) ^ UInt8(truncatingIfNeeded: key >> UInt32(index % 4 * 8)))
        }
        var output = [UInt8](repeating: 0, count: frame.count)
        return frame.withUnsafeBytes { input in
            output.withUnsafeMutableBytes { output in
                guard let base = output.baseAddress else { return 0 }
                return body(input, base)
            }
        }
    }
}
