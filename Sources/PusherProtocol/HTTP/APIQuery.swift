/// The query of a request, decoded once, as the signing rules of section 6 see it: names in small letters, sorted.
///
/// Array parameters (`info[]=a&info[]=b`, also with indices between the brackets) are one parameter whose values are
/// joined with `,`. All bytes stand in one buffer.
struct APIQuery {
    /// The longest query that is read, in bytes.
    static let maximumBytes = 4_096
    /// The most parameters that are read, each element of an array counted.
    static let maximumParameters = 64

    /// Why a query can not be what anybody has signed.
    enum Fault: Error, Equatable {
        /// A parameter is there twice and is no array, or one of the `auth_` parameters is an array.
        case repeated
        /// Decoded, it has a `&` in a name or value or a `=` in a name: the signed text would stand for two queries.
        case ambiguous
        /// It has more than ``APIQuery/maximumParameters``.
        case tooMany
    }

    private struct Parameter {
        var name: Range<Int>
        var value: Range<Int>
        var isArray: Bool
    }

    private var bytes: [UInt8] = []
    /// By name; those of one name as they came.
    private var parameters: [Parameter] = []

    /// Reads a query of at most ``maximumBytes``; empty pairs are skipped, a pair without `=` has an empty value.
    init(_ query: String) throws(Fault) {
        bytes.reserveCapacity(query.utf8.count)
        parameters.reserveCapacity(8)
        var rest = Substring(query).utf8
        while !rest.isEmpty {
            let end = rest.firstIndex(of: UInt8(ascii: "&")) ?? rest.endIndex
            if end > rest.startIndex { try append(rest[..<end]) }
            rest = end < rest.endIndex ? rest[rest.index(after: end)...] : rest[end...]
        }
    }

    /// The value of the parameter `name`, without a copy; `nil` when there is none, or an array.
    func plainValue(_ name: StaticString) -> ArraySlice<UInt8>? {
        parameters.first { has($0, name: name) && !$0.isArray }.map { bytes[$0.value] }
    }

    /// Whether it names neither a key nor a signature: whoever wrote it does not know that requests are signed.
    var isUnsigned: Bool { plainValue("auth_key") == nil && plainValue("auth_signature") == nil }

    /// The value of the parameter `name`; `nil` when there is none.
    func value(_ name: StaticString) -> [UInt8]? {
        var value: [UInt8]?
        for parameter in parameters where has(parameter, name: name) {
            if value == nil {
                value = Array(bytes[parameter.value])
            } else {
                value?.append(UInt8(ascii: ","))
                value?.append(contentsOf: bytes[parameter.value])
            }
        }
        return value
    }

    /// Appends what is signed: `name=value&name=value…` of all parameters but `auth_signature`.
    func append(signedTo text: inout [UInt8]) {
        append(to: &text) { !has($0, name: "auth_signature") }
    }

    /// Appends what a request means, in the form of what is signed: without the parameters that only sign it.
    func append(meaningTo text: inout [UInt8]) {
        append(to: &text) { !begins($0, "auth_") && !has($0, name: "body_md5") }
    }

    private func append(to text: inout [UInt8], where isWanted: (Parameter) -> Bool) {
        var last: Parameter?
        for parameter in parameters where isWanted(parameter) {
            if let last, isSameName(last, parameter) {
                text.append(UInt8(ascii: ","))
            } else {
                if last != nil { text.append(UInt8(ascii: "&")) }
                text.append(contentsOf: bytes[parameter.name])
                text.append(UInt8(ascii: "="))
            }
            text.append(contentsOf: bytes[parameter.value])
            last = parameter
        }
    }

    private mutating func append(_ pair: Substring.UTF8View) throws(Fault) {
        let separator = pair.firstIndex(of: UInt8(ascii: "="))
        let nameStart = bytes.count
        PercentEncoding.append(decoded: pair[..<(separator ?? pair.endIndex)], to: &bytes)
        for index in nameStart..<bytes.count where UInt8(ascii: "A")...UInt8(ascii: "Z") ~= bytes[index] {
            bytes[index] |= 0x20
        }
        let valueStart = bytes.count
        if let separator { PercentEncoding.append(decoded: pair[pair.index(after: separator)...], to: &bytes) }
        var name = nameStart..<valueStart
        let brackets = arrayBrackets(in: name)
        if let brackets { name = nameStart..<brackets }
        let isAmbiguous =
            bytes[nameStart...].contains(UInt8(ascii: "&")) || bytes[name].contains(UInt8(ascii: "="))
        guard !isAmbiguous else { throw .ambiguous }
        let parameter = Parameter(name: name, value: valueStart..<bytes.count, isArray: brackets != nil)
        if parameter.isArray, begins(parameter, "auth_") { throw .repeated }
        try insert(parameter)
    }

    /// Puts a parameter to its place: behind those of its name.
    private mutating func insert(_ parameter: Parameter) throws(Fault) {
        guard parameters.count < Self.maximumParameters else { throw .tooMany }
        var place = parameters.endIndex
        while place > 0, bytes[parameter.name].lexicographicallyPrecedes(bytes[parameters[place - 1].name]) {
            place -= 1
        }
        if place > 0, isSameName(parameters[place - 1], parameter) {
            guard parameters[place - 1].isArray, parameter.isArray else { throw .repeated }
        }
        parameters.insert(parameter, at: place)
    }

    /// Where the brackets of an array parameter begin; `nil` when `name` is none.
    private func arrayBrackets(in name: Range<Int>) -> Int? {
        guard bytes[name].last == UInt8(ascii: "]"), let open = bytes[name].lastIndex(of: UInt8(ascii: "[")),
            open > name.lowerBound, bytes[open..<name.upperBound - 1].dropFirst().allSatisfy({ 0x30...0x39 ~= $0 })
        else { return nil }
        return open
    }

    private func isSameName(_ left: Parameter, _ right: Parameter) -> Bool {
        bytes[left.name].elementsEqual(bytes[right.name])
    }

    private func has(_ parameter: Parameter, name: StaticString) -> Bool {
        name.withUTF8Buffer { bytes[parameter.name].elementsEqual($0) }
    }

    private func begins(_ parameter: Parameter, _ prefix: StaticString) -> Bool {
        prefix.withUTF8Buffer { bytes[parameter.name].starts(with: $0) }
    }
}
