/// Writes DEFLATE blocks bit by bit (RFC 1951 §3.2), the ones that no compressor would write too.
struct BlockWriter {
    private(set) var bytes: [UInt8] = []
    private var bitCount = 0

    /// Bits from the least significant one on: everything but Huffman codes.
    mutating func bits(_ value: Int, _ count: Int) {
        for bit in 0..<count {
            if bitCount % 8 == 0 { bytes.append(0) }
            bytes[bytes.count - 1] |= UInt8(value >> bit & 1) << UInt8(bitCount % 8)
            bitCount += 1
        }
    }

    /// A Huffman code: the most significant bit first.
    mutating func code(_ value: Int, _ count: Int) {
        for bit in (0..<count).reversed() { bits(value >> bit & 1, 1) }
    }

    mutating func beginFixed(isFinal: Bool = false) {
        bits(isFinal ? 1 : 0, 1)
        bits(1, 2)
    }

    mutating func literals(_ text: String) {
        for byte in text.utf8 { code(0x30 + Int(byte), 8) }
    }

    /// A match of three bytes.
    mutating func match(distance: Int) {
        code(1, 7)
        for symbol in (0..<30).reversed() {
            let extra = symbol < 4 ? 0 : (symbol - 2) / 2
            let base = symbol < 4 ? symbol + 1 : ((2 + symbol % 2) << extra) + 1
            if base <= distance {
                code(symbol, 5)
                bits(distance - base, extra)
                return
            }
        }
    }

    mutating func endFixed() { code(0, 7) }

    mutating func align() { while bitCount % 8 != 0 { bitCount += 1 } }

    mutating func stored(_ content: [UInt8], isFinal: Bool = false) {
        bits(isFinal ? 1 : 0, 1)
        bits(0, 2)
        align()
        bits(content.count, 16)
        bits(content.count ^ 0xFFFF, 16)
        for byte in content { bits(Int(byte), 8) }
    }

    /// The header of the empty block that ends a message; its other four bytes are not sent (RFC 7692 §7.2.1).
    mutating func endMessage() {
        bits(0, 3)
        align()
    }
}
