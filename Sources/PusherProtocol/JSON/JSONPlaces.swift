/// Goes through the values directly inside an array or object, names included. The text has been checked.
struct JSONPlaces {
    private var index: Int
    private let end: Int

    init(inside container: JSONValue, _ kind: JSONValue.Kind) {
        let isContainer = container.kind == kind && container.range.count >= 2
        index = isContainer ? container.range.lowerBound + 1 : container.range.upperBound
        end = isContainer ? container.range.upperBound - 1 : container.range.upperBound
    }

    mutating func next(in text: RawSpan) -> JSONValue? {
        while index < end {
            let start = index
            switch text.byte(at: index) {
            case 0x20, 0x09, 0x0A, 0x0D, UInt8(ascii: ","), UInt8(ascii: ":"): index += 1
            case UInt8(ascii: "\""):
                skipString(text)
                return JSONValue(kind: .string, range: start..<index)
            case UInt8(ascii: "{"):
                skipContainer(text)
                return JSONValue(kind: .object, range: start..<index)
            case UInt8(ascii: "["):
                skipContainer(text)
                return JSONValue(kind: .array, range: start..<index)
            case let byte:
                skipWord(text)
                return JSONValue(kind: Self.kind(ofWord: byte), range: start..<index)
            }
        }
        return nil
    }

    private static func kind(ofWord first: UInt8) -> JSONValue.Kind {
        switch first {
        case UInt8(ascii: "t"): .true
        case UInt8(ascii: "f"): .false
        case UInt8(ascii: "n"): .null
        default: .number
        }
    }

    private mutating func skipString(_ text: RawSpan) {
        index += 1
        while index < end {
            let byte = text.byte(at: index)
            index += byte == UInt8(ascii: "\\") ? 2 : 1
            if byte == UInt8(ascii: "\"") { break }
        }
        index = min(index, end)
    }

    private mutating func skipContainer(_ text: RawSpan) {
        var depth = 0
        while index < end {
            switch text.byte(at: index) {
            case UInt8(ascii: "\""):
                skipString(text)
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            index += 1
            if depth == 0 { break }
        }
    }

    private mutating func skipWord(_ text: RawSpan) {
        while index < end {
            switch text.byte(at: index) {
            case 0x20, 0x09, 0x0A, 0x0D, UInt8(ascii: ","): return
            default: index += 1
            }
        }
    }
}
