/// Why a run could not be made, or not be finished: cause and cure in one line.
///
/// What the server does wrong in a run that goes on is no error of this type: it is counted in ``LoadReport``.
public struct LoadError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Cause and cure.
    public let description: String

    /// An error with these words.
    init(_ description: String) { self.description = description }

    /// An option, as it was given, is out of range.
    static func option(_ option: String, _ cure: String) -> LoadError { LoadError("\(option): \(cure)") }
}
