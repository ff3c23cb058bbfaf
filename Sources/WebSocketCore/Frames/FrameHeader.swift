/// The header of one frame: everything before the payload (RFC 6455 §5.2).
public struct FrameHeader: Hashable, Sendable {
    /// Whether this is the last fragment of its message.
    public var isFinal: Bool
    /// RSV1: with permessage-deflate, the message is compressed (RFC 7692 §6).
    public var isCompressed: Bool
    /// What the frame carries.
    public var opcode: Opcode
    /// The masking key as its four bytes stand on the wire, first byte lowest; `nil` without a mask.
    public var maskingKey: UInt32?
    /// Payload bytes that follow the header.
    public var payloadLength: Int

    /// The longest header: two bytes, a 64-bit length, a masking key.
    public static let maximumBytes = 14

    /// Composes a header.
    public init(
        isFinal: Bool = true, isCompressed: Bool = false, opcode: Opcode, maskingKey: UInt32? = nil, payloadLength: Int
    ) {
        self.isFinal = isFinal
        self.isCompressed = isCompressed
        self.opcode = opcode
        self.maskingKey = maskingKey
        self.payloadLength = payloadLength
    }

    /// Appends the header with the length in its shortest form (RFC 6455 §5.2).
    @inlinable
    public static func append(
        isFinal: Bool = true, isCompressed: Bool = false, opcode: Opcode, maskingKey: UInt32? = nil,
        payloadLength: Int, to bytes: inout [UInt8]
    ) {
        let maskBit: UInt8 = maskingKey == nil ? 0 : 0x80
        bytes.append((isFinal ? 0x80 : 0) | (isCompressed ? 0x40 : 0) | opcode.rawValue)
        switch payloadLength {
        case ...125:
            bytes.append(maskBit | UInt8(truncatingIfNeeded: payloadLength))
        case ...0xFFFF:
            bytes.append(maskBit | 126)
            bytes.append(UInt8(truncatingIfNeeded: payloadLength >> 8))
            bytes.append(UInt8(truncatingIfNeeded: payloadLength))
        default:
            bytes.append(maskBit | 127)
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: payloadLength >> shift))
            }
        }
        if let maskingKey {
            for shift in stride(from: 0, through: 24, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: maskingKey >> UInt32(shift)))
            }
        }
    }

    /// Writes the header to the start of `space`, the length in its shortest form (RFC 6455 §5.2).
    ///
    /// - Parameter space: at least ``maximumBytes`` bytes.
    /// - Returns: how many bytes it took: 2, 4 or 10, and 4 more with a key; 0 when there is not enough space.
    @inlinable
    public func write(to space: UnsafeMutableRawBufferPointer) -> Int {
        guard let base = space.baseAddress, space.count >= Self.maximumBytes else { return 0 }
        let maskBit: UInt8 = maskingKey == nil ? 0 : 0x80
        base.storeBytes(of: (isFinal ? 0x80 : 0) | (isCompressed ? 0x40 : 0) | opcode.rawValue, as: UInt8.self)
        let short: UInt8
        var count: Int
        switch payloadLength {
        case ...125:
            short = UInt8(truncatingIfNeeded: payloadLength)
            count = 2
        case ...0xFFFF:
            short = 126
            base.storeBytes(of: UInt16(truncatingIfNeeded: payloadLength).bigEndian, toByteOffset: 2, as: UInt16.self)
            count = 4
        default:
            short = 127
            base.storeBytes(of: UInt64(truncatingIfNeeded: payloadLength).bigEndian, toByteOffset: 2, as: UInt64.self)
            count = 10
        }
        base.storeBytes(of: maskBit | short, toByteOffset: 1, as: UInt8.self)
        if let maskingKey {
            base.storeBytes(of: maskingKey.littleEndian, toByteOffset: count, as: UInt32.self)
            count &+= 4
        }
        return count
    }
}

extension FrameHeader {
    /// How many bytes the frame takes that begins at `start`: header and payload. `nil` when its header is not whole.
    ///
    /// For bytes that were encoded here; it looks at the lengths and at nothing else.
    public static func wireLength(ofFrameAt start: Int, in bytes: UnsafeRawBufferPointer) -> Int? {
        guard start >= 0, start <= bytes.count - 2 else { return nil }
        let maskBytes = bytes[start + 1] & 0x80 == 0 ? 0 : 4
        switch bytes[start + 1] & 0x7F {
        case 126:
            guard start <= bytes.count - 4 else { return nil }
            let length = bytes.loadUnaligned(fromByteOffset: start + 2, as: UInt16.self)
            return 4 + maskBytes + Int(UInt16(bigEndian: length))
        case 127:
            guard start <= bytes.count - 10 else { return nil }
            let length = bytes.loadUnaligned(fromByteOffset: start + 2, as: UInt64.self)
            guard let length = Int(exactly: UInt64(bigEndian: length)), length <= Int.max - 14 else { return nil }
            return 10 + maskBytes + length
        case let length:
            return 2 + maskBytes + Int(length)
        }
    }

    /// How many bytes the ping or pong takes that the bytes begin with; `nil` for anything else, or a part of one.
    ///
    /// For a carrier whose session takes nothing at the moment: control frames that come before the next message may
    /// be answered meanwhile (RFC 6455 §5.5.2).
    public static func lengthOfLeadingPing(in bytes: UnsafeRawBufferPointer) -> Int? {
        guard bytes.count >= 2, bytes[0] == 0x89 || bytes[0] == 0x8A, bytes[1] & 0x7F <= 125 else { return nil }
        guard let length = wireLength(ofFrameAt: 0, in: bytes), length <= bytes.count else { return nil }
        return length
    }
}

extension MessageKind {
    /// The opcode of the message's first frame.
    @inlinable public var opcode: Opcode { self == .text ? .text : .binary }
}
