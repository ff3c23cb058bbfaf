/// An incremental check that bytes are UTF-8 (RFC 3629 §4), which fails at the first byte that can not be (RFC 6455 §8.1).
///
/// One byte of state: what the next byte must be. Runs of ASCII are skipped 64 bytes at a time.
public struct UTF8Validator: Hashable, Sendable {
    /// What may follow; the numbers 1–3 count continuation bytes, the others narrow the first of them.
    private enum State: UInt8 {
        case boundary = 0
        case one, two, three
        case afterE0, afterED, afterF0, afterF4
        case failed
    }

    private var state: State = .boundary

    /// A validator at the start of a text.
    public init() {}

    /// Whether the bytes so far end with a whole character: what must hold at the end of a message.
    public var isAtBoundary: Bool { state == .boundary }

    /// Whether a byte was wrong; permanent.
    public var hasFailed: Bool { state == .failed }

    /// Takes the next bytes; any split of a text gives the same answer.
    ///
    /// - Returns: `false` as soon as one byte can not belong to UTF-8, and from then on.
    @discardableResult
    public mutating func validate(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress else { return state != .failed }
        let count = bytes.count
        var index = 0
        while index < count {
            if state == .boundary {
                index = Self.skipWholeCharacters(base, from: index, count: count)
                if index == count { return true }
            }
            state = Self.next(state, base.load(fromByteOffset: index, as: UInt8.self))
            if state == .failed { return false }
            index &+= 1
        }
        return state != .failed
    }

    /// Whether these bytes are a whole text.
    @inline(__always)
    static func isText(_ base: UnsafeRawPointer, count: Int) -> Bool {
        let index = skipWholeCharacters(base, from: 0, count: count)
        if index == count { return true }
        var validator = UTF8Validator()
        return validator.validate(UnsafeRawBufferPointer(start: base + index, count: count &- index))
            && validator.isAtBoundary
    }

    /// Skips ASCII and whole characters of three bytes (CJK, Hangul, Thai) and two (Cyrillic, Arabic, Greek).
    ///
    /// What is left, the end of the bytes, four-byte characters and whatever is wrong, is for ``next(_:_:)``.
    @inline(__always)
    private static func skipWholeCharacters(_ base: UnsafeRawPointer, from start: Int, count: Int) -> Int {
        var index = start
        while true {
            index = skipASCII(base, from: index, count: count)
            if index == count { return index }
            let run = index
            // Lowest byte first: a lead byte and two continuation bytes, twice. The last two are not looked at.
            while index &+ 8 <= count {
                let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: index, as: UInt64.self))
                guard word & 0xC0_C0F0_C0C0_F0 == 0x80_80E0_8080_E0, hasThreeByteBounds(word),
                    hasThreeByteBounds(word >> 24)
                else { break }
                index &+= 6
            }
            while index &+ 4 <= count {
                let word = UInt32(littleEndian: base.loadUnaligned(fromByteOffset: index, as: UInt32.self))
                if word & 0xC0_C0F0 == 0x80_80E0, hasThreeByteBounds(UInt64(word)) {
                    index &+= 3
                } else if word & 0xC0E0 == 0x80C0, word & 0x1E != 0 {  // C0 and C1 would be overlong
                    index &+= 2
                } else {
                    break
                }
            }
            if index == run { return index }
        }
    }

    /// Skips bytes below 0x80: 64 at a time, then 8, then one.
    @inline(__always)
    private static func skipASCII(_ base: UnsafeRawPointer, from start: Int, count: Int) -> Int {
        let highBits: UInt64 = 0x8080_8080_8080_8080
        var index = start
        while index &+ 64 <= count {
            let first = base.loadUnaligned(fromByteOffset: index, as: SIMD4<UInt64>.self)
            let second = base.loadUnaligned(fromByteOffset: index &+ 32, as: SIMD4<UInt64>.self)
            let four = first | second
            let two = four.lowHalf | four.highHalf
            guard (two.x | two.y) & highBits == 0 else { break }
            index &+= 64
        }
        while index &+ 8 <= count,
            base.loadUnaligned(fromByteOffset: index, as: UInt64.self) & highBits == 0
        {
            index &+= 8
        }
        while index < count, base.load(fromByteOffset: index, as: UInt8.self) < 0x80 { index &+= 1 }
        return index
    }

    /// Whether the second byte fits the lead byte of a three-byte character, both known to be of their kind: E0 is
    /// followed by A0–BF (no overlong form), ED by 80–9F (no surrogates).
    @inline(__always)
    private static func hasThreeByteBounds(_ word: UInt64) -> Bool {
        let bits = word & 0x200F
        return bits != 0 && bits != 0x200D
    }

    private static func next(_ state: State, _ byte: UInt8) -> State {
        switch state {
        case .boundary:
            switch byte {
            case ..<0x80: return .boundary
            case 0xC2...0xDF: return .one
            case 0xE0: return .afterE0
            case 0xED: return .afterED
            case 0xE1...0xEF: return .two
            case 0xF0: return .afterF0
            case 0xF1...0xF3: return .three
            case 0xF4: return .afterF4
            default: return .failed
            }
        case .one: return 0x80...0xBF ~= byte ? .boundary : .failed
        case .two: return 0x80...0xBF ~= byte ? .one : .failed
        case .three: return 0x80...0xBF ~= byte ? .two : .failed
        case .afterE0: return 0xA0...0xBF ~= byte ? .one : .failed  // no overlong form of two bytes
        case .afterED: return 0x80...0x9F ~= byte ? .one : .failed  // no surrogates
        case .afterF0: return 0x90...0xBF ~= byte ? .two : .failed  // no overlong form of three bytes
        case .afterF4: return 0x80...0x8F ~= byte ? .two : .failed  // nothing above U+10FFFF
        case .failed: return .failed
        }
    }
}
