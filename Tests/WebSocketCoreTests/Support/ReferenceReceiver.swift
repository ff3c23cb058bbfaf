import WebSocketCore

/// RFC 6455 read from the start of the page to the end, slowly, over the whole input at once: what a receiver without
/// extensions and without rates has to make of these bytes.
enum ReferenceReceiver {
    static func observe(_ bytes: [UInt8], role: Role, limits: ConnectionLimits) -> [Observation] {
        var observations: [Observation] = []
        do {
            try read(bytes, role, limits) { observations.append($0) }
        } catch {
            observations.append(.failed(error.code))
        }
        return observations
    }

    private struct Failure: Error {
        let code: CloseCode
    }

    private static func read(
        _ bytes: [UInt8], _ role: Role, _ limits: ConnectionLimits, _ tell: (Observation) -> Void
    ) throws(Failure) {
        var rest = bytes[...]
        var message: (kind: MessageKind, payload: [UInt8], frames: Int)?
        while rest.count >= 2 {
            let (first, second) = (rest[rest.startIndex], rest[rest.startIndex + 1])
            let opcode = first % 16
            if first / 16 % 8 != 0 || ![0, 1, 2, 8, 9, 10].contains(opcode) { throw Failure(code: .protocolError) }
            if (second >= 128) != (role == .server) { throw Failure(code: .protocolError) }
            if opcode >= 8 && (first < 128 || second % 128 > 125) { throw Failure(code: .protocolError) }
            if opcode == 0 && message == nil { throw Failure(code: .protocolError) }
            if (opcode == 1 || opcode == 2) && message != nil { throw Failure(code: .protocolError) }

            let extra = second % 128 == 126 ? 2 : second % 128 == 127 ? 8 : 0
            guard rest.count >= 2 + extra else { return }
            var length = UInt64(second % 128)
            if extra > 0 { length = rest.dropFirst(2).prefix(extra).reduce(0) { $0 << 8 | UInt64($1) } }
            if length >> 63 == 1 { throw Failure(code: .protocolError) }
            if extra == 2 && length < 126 || extra == 8 && length < 65_536 { throw Failure(code: .protocolError) }
            if opcode < 8 {
                let before = message?.payload.count ?? 0
                if length > UInt64(limits.maximumMessageBytes - before) { throw Failure(code: .messageTooBig) }
                if message?.frames ?? 0 >= limits.maximumFragments { throw Failure(code: .policyViolation) }
            }
            let keyBytes = role == .server ? 4 : 0
            guard rest.count >= 2 + extra + keyBytes else { return }
            let key = role == .server ? Array(rest.dropFirst(2 + extra).prefix(4)) : [0, 0, 0, 0]
            let masked = Array(rest.dropFirst(2 + extra + keyBytes).prefix(Int(length)))
            let payload = RawFrame.masked(masked, key)
            let isWhole = payload.count == Int(length)
            rest = rest.dropFirst(2 + extra + keyBytes + payload.count)

            if opcode >= 8 {
                guard isWhole else { return }
                if opcode == 9 { tell(.pong(payload)) }
                if opcode == 8 { return try tell(close(payload)) }
                continue
            }
            var current = message ?? (opcode == 1 ? .text : .binary, [], 0)
            current.payload += payload
            current.frames += 1
            message = current
            if current.kind == .text && ReferenceText.firstWrongByte(current.payload) != nil {
                throw Failure(code: .invalidPayload)
            }
            guard isWhole else { return }
            if first >= 128 {
                if current.kind == .text && !ReferenceText.isText(current.payload) {
                    throw Failure(code: .invalidPayload)
                }
                tell(.message(current.kind, current.payload))
                message = nil
            }
        }
    }

    private static func close(_ payload: [UInt8]) throws(Failure) -> Observation {
        if payload.isEmpty { return .closed(nil) }
        if payload.count == 1 { throw Failure(code: .protocolError) }
        let code = Int(payload[0]) * 256 + Int(payload[1])
        let isDefined = (1000...1014).contains(code) && ![1004, 1005, 1006].contains(code)
        if !isDefined && !(3000..<5000).contains(code) { throw Failure(code: .protocolError) }
        if !ReferenceText.isText(Array(payload.dropFirst(2))) { throw Failure(code: .invalidPayload) }
        return .closed(code)
    }
}
