import PusherProtocol

/// What clients and back ends read out of JSON: a member of an object, as what it has to be.
extension EnvelopeReader {
    /// The text of a string; `nil` when there is none of that name.
    static func string(_ name: StaticString, of object: JSONValue, in text: RawSpan) -> [UInt8]? {
        member(name, of: object, in: text).flatMap { string($0, in: text) }
    }

    /// A whole number; `nil` when there is none of that name.
    static func wholeNumber(_ name: StaticString, of object: JSONValue, in text: RawSpan) -> UInt64? {
        member(name, of: object, in: text).flatMap { wholeNumber($0, in: text) }
    }
}
