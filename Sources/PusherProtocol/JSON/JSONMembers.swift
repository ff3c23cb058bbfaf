/// Goes through the members of an object, in their order; see ``EnvelopeReader``.
public struct JSONMembers {
    private var places: JSONPlaces

    /// At the beginning of `object`; without members for anything that is no object.
    public init(of object: JSONValue) { places = JSONPlaces(inside: object, .object) }

    /// The next member of the text that the object stands in; `nil` after the last. The name is a string.
    public mutating func next(in text: RawSpan) -> (name: JSONValue, value: JSONValue)? {
        guard let name = places.next(in: text), let value = places.next(in: text) else { return nil }
        return (name, value)
    }
}
