/// An inflater of the tests' own, straight from RFC 1951, slow and strict: it refuses every distance above the window,
/// where zlib only refuses those that it can not serve.
struct ReferenceInflater {
    enum Failure: Error {
        case truncated, invalidBlock, invalidCode, distanceTooFar, lastBlockNotEmpty
    }

    /// The largest distance allowed, in bytes.
    let window: Int
    private(set) var history: [UInt8] = []
    private(set) var largestDistance = 0

    init(windowBits: Int) { window = 1 << windowBits }

    /// Decodes one message (RFC 7692 §7.2.2); the history stays for the next one.
    mutating func message(_ payload: [UInt8]) throws -> [UInt8] {
        var input = Bits(bytes: payload + [0, 0, 0xFF, 0xFF])
        let start = history.count
        var lastWasEmpty = false
        while !input.isAtEnd {
            let before = history.count
            let isFinal = try input.take(1) == 1
            switch try input.take(2) {
            case 0: try stored(&input)
            case 1: try coded(&input, Self.fixedLiterals, Self.fixedDistances)
            case 2:
                let (literals, distances) = try dynamicCodes(&input)
                try coded(&input, literals, distances)
            default: throw Failure.invalidBlock
            }
            lastWasEmpty = history.count == before
            if isFinal { input.align() }
        }
        guard lastWasEmpty else { throw Failure.lastBlockNotEmpty }
        return Array(history[start...])
    }

    mutating func forget() { history = [] }

    private mutating func stored(_ input: inout Bits) throws {
        input.align()
        let count = try input.take(16)
        guard try input.take(16) == count ^ 0xFFFF else { throw Failure.invalidBlock }
        for _ in 0..<count { history.append(UInt8(try input.take(8))) }
    }

    private mutating func coded(_ input: inout Bits, _ literals: Code, _ distances: Code) throws {
        while true {
            let symbol = try literals.next(&input)
            if symbol < 256 {
                history.append(UInt8(symbol))
                continue
            }
            if symbol == 256 { return }
            guard symbol < 286 else { throw Failure.invalidCode }
            let length = Self.lengthBase[symbol - 257] + (try input.take(Self.lengthExtra[symbol - 257]))
            let code = try distances.next(&input)
            guard code < 30 else { throw Failure.invalidCode }
            let extra = code < 4 ? 0 : (code - 2) / 2
            let base = code < 4 ? code + 1 : ((2 + code % 2) << extra) + 1
            let distance = base + (try input.take(extra))
            guard distance <= window, distance <= history.count else { throw Failure.distanceTooFar }
            largestDistance = max(largestDistance, distance)
            for _ in 0..<length { history.append(history[history.count - distance]) }
        }
    }

    private func dynamicCodes(_ input: inout Bits) throws -> (Code, Code) {
        let literalCount = try input.take(5) + 257
        let distanceCount = try input.take(5) + 1
        let codeCount = try input.take(4) + 4
        var lengths = [Int](repeating: 0, count: 19)
        for index in 0..<codeCount { lengths[Self.order[index]] = try input.take(3) }
        let code = Code(lengths)
        var all: [Int] = []
        while all.count < literalCount + distanceCount {
            switch try code.next(&input) {
            case 16:
                guard let last = all.last else { throw Failure.invalidCode }
                all += [Int](repeating: last, count: 3 + (try input.take(2)))
            case 17: all += [Int](repeating: 0, count: 3 + (try input.take(3)))
            case 18: all += [Int](repeating: 0, count: 11 + (try input.take(7)))
            case let length: all.append(length)
            }
        }
        return (Code(Array(all[..<literalCount])), Code(Array(all[literalCount...])))
    }

    private static let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
    private static let lengthExtra = [
        0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
    ]
    private static let lengthBase: [Int] = {
        var bases: [Int] = []
        var next = 3
        for extra in lengthExtra.dropLast() {
            bases.append(next)
            next += 1 << extra
        }
        return bases + [258]
    }()
    private static let fixedLiterals = Code(
        [Int](repeating: 8, count: 144) + [Int](repeating: 9, count: 112) + [Int](repeating: 7, count: 24)
            + [Int](repeating: 8, count: 8))
    private static let fixedDistances = Code([Int](repeating: 5, count: 30))

    /// A canonical Huffman code (RFC 1951 §3.2.2).
    private struct Code {
        private var counts = [Int](repeating: 0, count: 16)
        private var symbols: [Int] = []

        init(_ lengths: [Int]) {
            for length in lengths where length > 0 { counts[length] += 1 }
            for length in 1...15 {
                for (symbol, itsLength) in lengths.enumerated() where itsLength == length { symbols.append(symbol) }
            }
        }

        func next(_ input: inout Bits) throws -> Int {
            var code = 0
            var first = 0
            var index = 0
            for length in 1...15 {
                code |= try input.take(1)
                if code - first < counts[length] { return symbols[index + code - first] }
                index += counts[length]
                first = (first + counts[length]) << 1
                code <<= 1
            }
            throw Failure.invalidCode
        }
    }

    /// Bits from the least significant one on (RFC 1951 §3.1.1).
    private struct Bits {
        let bytes: [UInt8]
        var position = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        var isAtEnd: Bool { position >= bytes.count * 8 }

        mutating func take(_ count: Int) throws -> Int {
            guard position + count <= bytes.count * 8 else { throw Failure.truncated }
            var value = 0
            for bit in 0..<count {
                value |= Int(bytes[position >> 3] >> UInt8(position & 7) & 1) << bit
                position += 1
            }
            return value
        }

        mutating func align() { position = (position + 7) & ~7 }
    }
}
