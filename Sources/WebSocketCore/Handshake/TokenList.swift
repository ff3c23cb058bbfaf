/// All lines of a field whose value is a comma-separated list of tokens (RFC 9110 §5.6.1).
///
/// Every question costs one pass over the lines, whatever is in them.
public struct TokenList: Sendable {
    private let lines: [String]

    /// Takes the lines of one field, in order.
    public init(_ lines: [String]) { self.lines = lines }

    /// Whether one element of the list is the token, without regard to ASCII case.
    ///
    /// For `Upgrade` and `Connection`: empty elements are skipped, and elements that are no tokens match nothing.
    public func contains(_ token: String) -> Bool {
        for line in lines {
            var scanner = FieldScanner(line)
            repeat {
                if FieldSyntax.equalIgnoringCase(scanner.listElement(), token.utf8) { return true }
            } while scanner.accept(UInt8(ascii: ","))
        }
        return false
    }

    /// The first element that is a token, whatever the others are.
    public func firstToken() -> String? {
        for line in lines {
            var scanner = FieldScanner(line)
            repeat {
                let element = String(Substring(scanner.listElement()))
                if FieldSyntax.isToken(element) { return element }
            } while scanner.accept(UInt8(ascii: ","))
        }
        return nil
    }

    /// The tokens, in order, when the list is one of distinct tokens and nothing else; otherwise `nil`.
    ///
    /// For `Sec-WebSocket-Protocol`, whose elements are unique and not empty (RFC 6455 §4.1, §11.3.4). Without a line
    /// the list is empty; a line without a token is an error.
    public func distinctTokens() -> [String]? {
        var tokens: [String] = []
        var seen: Set<String> = []
        for line in lines {
            var scanner = FieldScanner(line)
            repeat {
                scanner.skipWhitespace()
                guard let token = scanner.token(), seen.insert(token).inserted else { return nil }
                tokens.append(token)
                scanner.skipWhitespace()
            } while scanner.accept(UInt8(ascii: ","))
            guard scanner.isAtEnd else { return nil }
        }
        return tokens
    }
}
