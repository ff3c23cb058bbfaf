/// Finds the end of a request's head in bytes that arrive in any pieces, and holds the limits on it (RFC 9112 §2, §3).
///
/// Each byte is looked at once, so that a head that comes byte by byte costs no more than one that comes at once. It
/// does not parse: that is the decoder's work, which gets the head when it is whole.
struct RequestHead {
    enum Progress: Equatable {
        /// More bytes are needed.
        case incomplete
        /// The head ends before this offset.
        case complete(Int)
        /// A limit or the form is broken: status and words for the client.
        case refused(Int, String)
    }

    /// The first byte of a TLS connection (RFC 8446 §5.1).
    private static let handshakeOfTLS: UInt8 = 22

    private let limits: HTTPLimits
    private var scanned = 0
    private var lines = 0
    private var lineStart = 0

    init(_ limits: HTTPLimits) { self.limits = limits }

    /// Looks at the bytes that are new since the last call; `bytes` starts at the head's first byte each time.
    mutating func advance(_ bytes: UnsafeRawBufferPointer) -> Progress {
        while scanned < bytes.count, scanned < limits.maximumHeadBytes {
            let byte = bytes[scanned]
            // An HTTP method starts with a letter: what does not is TLS, or nothing that is spoken here.
            if scanned == 0, byte == Self.handshakeOfTLS {
                return .refused(400, "This is TLS (https:// or wss://), and this port speaks http:// and ws:// only.")
            }
            if scanned == 0, !(0x41...0x5A ~= byte || 0x61...0x7A ~= byte) {
                return .refused(400, "This is not an HTTP/1.1 request.")
            }
            scanned += 1
            guard byte == 0x0A else {
                if lines == 0, scanned > limits.maximumTargetBytes + 32 { return targetTooLong }
                continue
            }
            let lineLength = scanned - lineStart
            let isEmpty = lineLength == 1 || (lineLength == 2 && bytes[lineStart] == 0x0D)
            if isEmpty { return .complete(scanned) }
            if lines == 0, !Self.endsWithVersion(bytes[lineStart..<scanned]) {
                return .refused(400, "The request line does not end with HTTP/1.1.")
            }
            lines += 1
            lineStart = scanned
            if lines - 1 > limits.maximumFields {
                return .refused(431, "The request has more than \(limits.maximumFields) fields.")
            }
        }
        guard scanned < limits.maximumHeadBytes else {
            if lines == 0 { return targetTooLong }
            return .refused(431, "The request's head is longer than \(limits.maximumHeadBytes) bytes.")
        }
        return .incomplete
    }

    private var targetTooLong: Progress {
        .refused(414, "The request target is longer than \(limits.maximumTargetBytes) bytes.")
    }

    /// RFC 9112 §2.3: `HTTP/` and two digits. HTTP/0.9 has none.
    private static func endsWithVersion(_ line: Slice<UnsafeRawBufferPointer>) -> Bool {
        var text = line.dropLast()
        if text.last == 0x0D { text = text.dropLast() }
        return text.suffix(9).starts(with: " HTTP/".utf8) && text.count > 9
    }
}
