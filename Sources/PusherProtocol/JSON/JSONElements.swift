/// Goes through the elements of an array, in their order; see ``EnvelopeReader``.
public struct JSONElements {
    private var places: JSONPlaces

    /// At the beginning of `array`; without elements for anything that is no array.
    public init(of array: JSONValue) { places = JSONPlaces(inside: array, .array) }

    /// The next element of the text that the array stands in; `nil` after the last.
    public mutating func next(in text: RawSpan) -> JSONValue? { places.next(in: text) }
}
