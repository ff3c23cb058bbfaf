/// Reads `application/x-www-form-urlencoded` pair by pair: linear in time, without memory of its own.
///
/// Pairs are separated by `&`; empty ones are skipped. The first `=` ends the key; without one the value is empty. Which
/// of two equal keys counts is up to the caller, for whom the last one should.
struct FormDecoder {
    /// A pair as it stands in the form, still encoded.
    struct Pair: Equatable {
        var key: Range<Int>
        var value: Range<Int>
    }

    private var position = 0

    /// The next pair of `form`, which must be the same at each call; `nil` after the last.
    mutating func next(in form: RawSpan) -> Pair? {
        let end = form.byteCount
        while position < end {
            let start = position
            var separator = Int?.none
            scan: while position < end {
                switch form.byte(at: position) {
                case UInt8(ascii: "&"): break scan
                case UInt8(ascii: "=") where separator == nil: separator = position
                default: break
                }
                position += 1
            }
            let pairEnd = position
            // Past the "&", or past the end, where it does no harm.
            position += 1
            if let separator { return Pair(key: start..<separator, value: separator + 1..<pairEnd) }
            if start < pairEnd { return Pair(key: start..<pairEnd, value: pairEnd..<pairEnd) }
        }
        return nil
    }

    /// What the bytes in `range` stand for: `+` a space, `%XX` a byte, a malformed `%` itself; bytes that are no UTF-8
    /// become U+FFFD.
    static func decode(_ range: Range<Int>, of form: RawSpan) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        append(range, of: form, to: &bytes)
        return String(validating: bytes, as: UTF8.self) != nil ? bytes : UTF8Repair.repaired(bytes)
    }

    /// What the bytes in `range` stand for, without spaces, tabs and line ends around it: for words, since tools that
    /// send a line send its end as well.
    static func decodeTrimmed(_ range: Range<Int>, of form: RawSpan) -> ArraySlice<UInt8> {
        var word = decode(range, of: form)[...]
        while let last = word.last, isSpace(last) { word.removeLast() }
        return word.drop(while: isSpace)
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || 0x09...0x0D ~= byte }

    /// The decoded bytes in `range`, whether or not they are UTF-8.
    static func append(_ range: Range<Int>, of form: RawSpan, to bytes: inout [UInt8]) {
        bytes.append(addingCapacity: range.count) { output in
            var index = range.lowerBound
            while index < range.upperBound {
                let byte = form.byte(at: index)
                index += 1
                if byte == UInt8(ascii: "+") {
                    output.append(UInt8(ascii: " "))
                } else if byte == UInt8(ascii: "%"), range.upperBound - index >= 2,
                    let high = hexDigit(form.byte(at: index)), let low = hexDigit(form.byte(at: index + 1))
                {
                    output.append(high << 4 | low)
                    index += 2
                } else {
                    output.append(byte)
                }
            }
        }
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte &- UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte &- UInt8(ascii: "A") &+ 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte &- UInt8(ascii: "a") &+ 10
        default: nil
        }
    }
}

extension RawSpan {
    /// One byte. The load checks its bounds; what is "unsafe" about it is to load types that not all bytes form.
    fileprivate func byte(at offset: Int) -> UInt8 { unsafeLoad(fromByteOffset: offset, as: UInt8.self) }
}
