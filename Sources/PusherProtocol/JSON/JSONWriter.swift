import WebSocketCore

/// Writes JSON in UTF-8; in strings only what must be escaped is (RFC 8259 §7): `"`, `\` and control characters.
public struct JSONWriter: Sendable {
    /// What has been written so far.
    public private(set) var bytes: [UInt8] = []

    /// - Parameter capacity: bytes that will be written, as far as that is known.
    public init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    /// A writer whose result becomes a frame without being copied: ``bytes`` begin with room for its header.
    ///
    /// - Parameter capacity: bytes of JSON that will be written, as far as that is known.
    init(frameCapacity capacity: Int) {
        bytes.reserveCapacity(SharedFrame.headerRoom + capacity)
        for _ in 0..<SharedFrame.headerRoom { bytes.append(0) }
    }

    /// The message that has been written by a writer of ``init(frameCapacity:)``.
    consuming func frame() -> SharedFrame { SharedFrame(.text, behindHeaderRoom: bytes) }

    /// Appends what is JSON already.
    public mutating func raw(_ json: StaticString) { json.withUTF8Buffer { bytes.append(contentsOf: $0) } }

    /// Appends what is JSON already.
    public mutating func raw(_ json: some Collection<UInt8>) { bytes.append(contentsOf: json) }

    /// Has others append what is JSON already.
    mutating func append(_ body: (inout [UInt8]) -> Void) { body(&bytes) }

    /// Appends a whole number.
    public mutating func number(_ number: some BinaryInteger) { bytes.append(contentsOf: String(number).utf8) }

    /// Appends a string with its quotation marks.
    ///
    /// - Parameter text: UTF-8, which is the caller's promise; other bytes go through as they are.
    public mutating func string(_ text: [UInt8]) { string(text[...]) }

    /// Appends a string with its quotation marks.
    public mutating func string(_ text: String) { string(Array(text.utf8)[...]) }

    /// Appends a string with its quotation marks.
    ///
    /// - Parameter text: UTF-8, which is the caller's promise; other bytes go through as they are.
    public mutating func string(_ text: ArraySlice<UInt8>) {
        bytes.append(UInt8(ascii: "\""))
        text.withUnsafeBufferPointer { text in
            var plainStart = 0
            for (index, byte) in text.enumerated() where Self.mustBeEscaped(byte) {
                bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[plainStart..<index]))
                escape(byte)
                plainStart = index + 1
            }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[plainStart...]))
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func mustBeEscaped(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private mutating func escape(_ byte: UInt8) {
        switch byte {
        case 0x0A: raw("\\n")
        case 0x0D: raw("\\r")
        case 0x09: raw("\\t")
        case ..<0x20:
            raw("\\u00")
            bytes.append(byte < 0x10 ? UInt8(ascii: "0") : UInt8(ascii: "1"))
            let digit = byte & 15
            bytes.append(digit < 10 ? UInt8(ascii: "0") &+ digit : UInt8(ascii: "a") &+ (digit &- 10))
        default:
            bytes.append(UInt8(ascii: "\\"))
            bytes.append(byte)
        }
    }
}
