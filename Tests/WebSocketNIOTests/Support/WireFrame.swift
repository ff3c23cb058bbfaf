/// A frame as it stands on the wire (RFC 6455 §5.2), encoded and decoded apart from the code under test.
struct WireFrame: Equatable {
    var opcode: UInt8
    var payload: [UInt8]
    var isFinal = true
    var isCompressed = false
    var isMasked = false

    static func text(_ text: String) -> WireFrame { WireFrame(opcode: 1, payload: Array(text.utf8)) }
    static func binary(_ bytes: [UInt8]) -> WireFrame { WireFrame(opcode: 2, payload: bytes) }
    static func ping(_ text: String = "") -> WireFrame { WireFrame(opcode: 9, payload: Array(text.utf8)) }
    static func pong(_ text: String = "") -> WireFrame { WireFrame(opcode: 10, payload: Array(text.utf8)) }
    static func close(_ code: UInt16, _ reason: String = "") -> WireFrame {
        WireFrame(opcode: 8, payload: [UInt8(code >> 8), UInt8(code & 0xFF)] + Array(reason.utf8))
    }

    /// As a server sends it.
    var bare: [UInt8] { encoded(key: nil) }
    /// As a client sends it.
    var masked: [UInt8] { encoded(key: [0x12, 0xF4, 0x56, 0x78]) }

    private func encoded(key: [UInt8]?) -> [UInt8] {
        var bytes = [(isFinal ? 0x80 : 0) | (isCompressed ? 0x40 : 0) | opcode]
        let mask: UInt8 = key == nil ? 0 : 0x80
        if payload.count < 126 {
            bytes.append(mask | UInt8(payload.count))
        } else if payload.count < 65536 {
            bytes += [mask | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        } else {
            bytes.append(mask | 127)
            for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8((payload.count >> shift) & 0xFF)) }
        }
        guard let key else { return bytes + payload }
        return bytes + key + payload.enumerated().map { $1 ^ key[$0 & 3] }
    }

    /// Takes the first frame off `bytes`; `nil` when it is not whole.
    init?(from bytes: inout [UInt8]) {
        guard bytes.count >= 2 else { return nil }
        var start = 2
        var count = Int(bytes[1] & 0x7F)
        if count >= 126 {
            let width = count == 126 ? 2 : 8
            guard bytes.count >= 2 + width else { return nil }
            count = bytes[2..<2 + width].reduce(0) { $0 << 8 | Int($1) }
            start += width
        }
        let isMasked = bytes[1] & 0x80 != 0
        let key = isMasked ? Array(bytes.dropFirst(start).prefix(4)) : [0, 0, 0, 0]
        if isMasked { start += 4 }
        guard bytes.count >= start + count else { return nil }
        let payload = bytes[start..<start + count]
        self.init(
            opcode: bytes[0] & 0x0F,
            payload: isMasked ? payload.enumerated().map { $1 ^ key[$0 & 3] } : Array(payload),
            isFinal: bytes[0] & 0x80 != 0, isCompressed: bytes[0] & 0x40 != 0, isMasked: isMasked)
        bytes.removeFirst(start + count)
    }

    init(opcode: UInt8, payload: [UInt8], isFinal: Bool = true, isCompressed: Bool = false, isMasked: Bool = false) {
        self.opcode = opcode
        self.payload = payload
        self.isFinal = isFinal
        self.isCompressed = isCompressed
        self.isMasked = isMasked
    }

    /// All frames of `bytes`, which hold nothing else.
    static func all(_ bytes: [UInt8]) -> [WireFrame] {
        var rest = bytes
        var frames: [WireFrame] = []
        while let frame = WireFrame(from: &rest) { frames.append(frame) }
        return frames
    }
}

extension WireFrame: CustomStringConvertible {
    var description: String { "frame(opcode \(opcode), \(payload.count) bytes: \(payload.prefix(40)))" }
}
