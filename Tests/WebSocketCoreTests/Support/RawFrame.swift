import WebSocketCore

/// A frame as bytes, right or wrong, written down from RFC 6455 §5.2 without the code under test.
struct RawFrame {
    /// Which of the three forms of the payload length is used.
    enum LengthForm {
        case shortest, sevenBits, sixteenBits, sixtyFourBits
    }

    /// A masking key that everybody uses who has read RFC 6455 §5.7.
    static let usualKey: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]

    var isFinal = true
    /// RSV1, RSV2, RSV3 as the numbers 4, 2, 1.
    var reserved: UInt8 = 0
    var opcode: UInt8
    var payload: [UInt8] = []
    var lengthForm = LengthForm.shortest
    /// The length that the header tells, when it is not the payload's.
    var declaredLength: UInt64?
    var key = RawFrame.usualKey

    /// The frame as a peer sends it to `receiver`: masked to a server, not masked to a client (RFC 6455 §5.1).
    func bytes(to receiver: Role = .server) -> [UInt8] { bytes(isMasked: receiver == .server) }

    func bytes(isMasked: Bool) -> [UInt8] {
        let length = declaredLength ?? UInt64(payload.count)
        var form = lengthForm
        if form == .shortest { form = length < 126 ? .sevenBits : length < 65_536 ? .sixteenBits : .sixtyFourBits }
        var bytes: [UInt8] = [(isFinal ? 128 : 0) + reserved * 16 + opcode]
        let mask: UInt8 = isMasked ? 128 : 0
        switch form {
        case .shortest, .sevenBits:
            bytes.append(mask + UInt8(length % 128))
        case .sixteenBits:
            bytes += [mask + 126, UInt8(length / 256 % 256), UInt8(length % 256)]
        case .sixtyFourBits:
            bytes.append(mask + 127)
            bytes += (0..<8).map { UInt8(length >> (56 - 8 * $0) & 255) }
        }
        guard isMasked else { return bytes + payload }
        return bytes + key + RawFrame.masked(payload, key)
    }

    /// RFC 6455 §5.3, byte by byte.
    static func masked(_ payload: [UInt8], _ key: [UInt8]) -> [UInt8] {
        payload.enumerated().map { $1 ^ key[$0 % 4] }
    }

    static func text(_ text: String, isFinal: Bool = true) -> RawFrame {
        RawFrame(isFinal: isFinal, opcode: 1, payload: Array(text.utf8))
    }

    static func text(_ bytes: [UInt8], isFinal: Bool = true) -> RawFrame {
        RawFrame(isFinal: isFinal, opcode: 1, payload: bytes)
    }

    static func binary(_ bytes: [UInt8], isFinal: Bool = true) -> RawFrame {
        RawFrame(isFinal: isFinal, opcode: 2, payload: bytes)
    }

    static func continuation(_ bytes: [UInt8], isFinal: Bool) -> RawFrame {
        RawFrame(isFinal: isFinal, opcode: 0, payload: bytes)
    }

    static func continuation(_ text: String, isFinal: Bool) -> RawFrame {
        continuation(Array(text.utf8), isFinal: isFinal)
    }

    static func close(_ code: Int, _ reason: [UInt8] = []) -> RawFrame {
        RawFrame(opcode: 8, payload: [UInt8(code / 256), UInt8(code % 256)] + reason)
    }

    static func ping(_ bytes: [UInt8] = []) -> RawFrame { RawFrame(opcode: 9, payload: bytes) }

    static func pong(_ bytes: [UInt8] = []) -> RawFrame { RawFrame(opcode: 10, payload: bytes) }
}

extension [RawFrame] {
    /// All frames, one after the other.
    func bytes(to receiver: Role = .server) -> [UInt8] { flatMap { $0.bytes(to: receiver) } }
}
