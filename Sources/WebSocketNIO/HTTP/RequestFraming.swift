import WebSocketCore

/// The rules on how a request says where its body ends (RFC 9112 §6): where two readings are possible, it is refused.
enum RequestFraming {
    /// What is wrong, in words; `nil` when nothing is.
    static func problem(of request: OpeningRequest) -> String? {
        let lengths = request.fields.values(of: "Content-Length")
        let codings = request.fields.values(of: "Transfer-Encoding")
        // RFC 9112 §6.1: a request with both is an attempt at smuggling.
        if !codings.isEmpty, !lengths.isEmpty { return "Transfer-Encoding and Content-Length exclude each other." }
        if !codings.isEmpty {
            // Bytes and not characters: there are others than letters of ASCII that lowercased() makes such.
            guard codings.count == 1, let coding = codings.first,
                coding.utf8.elementsEqual("chunked".utf8, by: { $0 | 0x20 == $1 })
            else { return "The only transfer coding that is understood is chunked." }
            if request.httpVersion.minor == 0 { return "HTTP/1.0 has no Transfer-Encoding." }
        }
        if !lengths.isEmpty {
            guard lengths.count == 1, let length = lengths.first, !length.isEmpty, length.utf8.count <= 18,
                length.utf8.allSatisfy({ 0x30...0x39 ~= $0 })
            else { return "Content-Length must stand there once, as a number." }
        }
        // RFC 9112 §3.2; HTTP/1.0 knows requests without a Host.
        let mayLackHost = request.httpVersion.minor == 0 && request.fields.values(of: "Host").isEmpty
        if !mayLackHost, !request.hasValidHost { return "The request needs exactly one valid Host field." }
        guard request.target.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else {
            return "The request target has a character that is not allowed there."
        }
        return nil
    }
}
