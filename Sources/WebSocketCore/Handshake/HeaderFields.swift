/// The fields of an HTTP message in the order in which they came (RFC 9110 §5).
///
/// A field that came on several lines has several entries. A carrier fills it from its own header type.
public struct HeaderFields: Sendable {
    /// All fields, in order, as they came.
    public private(set) var all: [(name: String, value: String)]

    /// Takes the fields over as they are.
    public init(_ fields: [(name: String, value: String)] = []) { all = fields }

    /// Adds a field after the others.
    public mutating func append(_ name: String, _ value: String) { all.append((name, value)) }

    /// The values of every line of a field, in order, without the spaces and tabs around them (RFC 9110 §5.5).
    ///
    /// Names are compared without regard to ASCII case (RFC 9110 §5.1). The cost is one pass over the fields.
    public func values(of name: String) -> [String] {
        var values: [String] = []
        for field in all where FieldSyntax.equalIgnoringCase(field.name.utf8, name.utf8) {
            values.append(FieldSyntax.trimmed(field.value))
        }
        return values
    }
}
