/// One extension as it stands in a `Sec-WebSocket-Extensions` field: a name and its parameters (RFC 6455 §9.1).
///
/// The same shape serves for what a client offers and for what a server accepts. Names, parameter names and values
/// are tokens; ``parse(_:)`` yields nothing else. Order is kept: it is the client's order of preference.
public struct ExtensionElement: Hashable, Sendable, CustomStringConvertible {
    /// One parameter of an extension, with or without a value.
    public struct Parameter: Hashable, Sendable {
        /// The name, as the peer wrote it.
        public var name: String
        /// The value with quotes and escapes removed; `nil` for a parameter that is only a name.
        public var value: String?

        /// Makes a parameter. Both parts have to be tokens (RFC 9110 §5.6.2) to be understood by a peer.
        public init(name: String, value: String? = nil) {
            self.name = name
            self.value = value
        }
    }

    /// The most extensions that ``parse(_:)`` takes in one handshake.
    public static let maximumElements = 32
    /// The most parameters that ``parse(_:)`` takes for one extension.
    public static let maximumParameters = 32

    /// The name of the extension, as the peer wrote it.
    public var name: String
    /// The parameters in the order in which they stand; the same name may come more than once.
    public var parameters: [Parameter]

    /// Makes an element. The name has to be a token (RFC 9110 §5.6.2) to be understood by a peer.
    public init(name: String, parameters: [Parameter] = []) {
        self.name = name
        self.parameters = parameters
    }

    /// Reads all lines of a `Sec-WebSocket-Extensions` field as one list (RFC 6455 §9.1, §11.3.2).
    ///
    /// Values may be quoted strings that hold a token. Empty list elements are skipped (RFC 9110 §5.6.1.2), so no line
    /// and an empty line both give an empty array. The work is linear in the length of the lines.
    ///
    /// Throws ``HandshakeFailure/malformedExtensions`` when the grammar is broken, and
    /// ``HandshakeFailure/tooManyExtensions`` above ``maximumElements`` or ``maximumParameters``.
    public static func parse(_ lines: [String]) throws(HandshakeFailure) -> [ExtensionElement] {
        var elements: [ExtensionElement] = []
        for line in lines {
            var scanner = FieldScanner(line)
            while true {
                scanner.skipWhitespace()
                if scanner.accept(UInt8(ascii: ",")) { continue }
                if scanner.isAtEnd { break }
                guard elements.count < maximumElements else { throw .tooManyExtensions }
                elements.append(try parseElement(&scanner))
                guard scanner.isAtEnd || scanner.accept(UInt8(ascii: ",")) else { throw .malformedExtensions }
            }
        }
        return elements
    }

    /// Reads a name and its parameters, up to the comma or the end.
    private static func parseElement(_ scanner: inout FieldScanner) throws(HandshakeFailure) -> ExtensionElement {
        guard let name = scanner.token() else { throw .malformedExtensions }
        var element = ExtensionElement(name: name)
        scanner.skipWhitespace()
        while scanner.accept(UInt8(ascii: ";")) {
            scanner.skipWhitespace()
            guard element.parameters.count < maximumParameters else { throw .tooManyExtensions }
            guard let name = scanner.token() else { throw .malformedExtensions }
            var parameter = Parameter(name: name)
            scanner.skipWhitespace()
            if scanner.accept(UInt8(ascii: "=")) {
                scanner.skipWhitespace()
                guard let value = scanner.token() ?? scanner.quotedToken() else { throw .malformedExtensions }
                parameter.value = value
                scanner.skipWhitespace()
            }
            element.parameters.append(parameter)
        }
        return element
    }

    /// The element as it is written in the field, for example `permessage-deflate; server_max_window_bits=10`.
    public var description: String {
        var text = name
        for parameter in parameters {
            text += "; " + parameter.name
            if let value = parameter.value { text += "=" + value }
        }
        return text
    }

    /// Whether every part is a token, so that ``description`` is valid in a field.
    var isWellFormed: Bool {
        FieldSyntax.isToken(name)
            && parameters.allSatisfy { FieldSyntax.isToken($0.name) && ($0.value.map(FieldSyntax.isToken) ?? true) }
    }

    /// The elements as one field value.
    static func fieldValue(_ elements: [ExtensionElement]) -> String {
        elements.map(\.description).joined(separator: ", ")
    }
}
