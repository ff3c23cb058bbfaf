/// What is wrong with a configuration file: one line for each thing, with its place.
public struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The lines, each as `FILE:LINE: words`.
    public let lines: [String]

    /// Composes an error.
    public init(lines: [String]) { self.lines = lines }

    /// The lines.
    public var description: String { lines.joined(separator: "\n") }
}
