/// How a request's body is encoded, by its `Content-Encoding` (RFC 9110 §8.4).
enum ContentCoding {
    /// Not at all.
    case identity
    /// One gzip member (RFC 1952). The signature and `body_md5` are of the bytes as they were sent.
    case gzip

    /// The most bytes that one byte of a compressed body may stand for.
    static let maximumRatio = 20

    /// Reads the field's value, `nil` without the field; 415 for anything but `identity` and `gzip`.
    init(_ value: String?) throws(PusherAPIError) {
        switch value?.lowercased() {
        case nil, "identity": self = .identity
        case "gzip": self = .gzip
        default: throw .unsupportedCoding
        }
    }

    /// The body as it was before it was encoded.
    ///
    /// - Parameter limit: the most bytes that it may have, besides ``maximumRatio``.
    func decode(
        _ body: [UInt8], limit: Int, with inflater: PusherAPI.Inflater?
    ) throws(PusherAPIError) -> [UInt8] {
        guard self == .gzip, !body.isEmpty else { return body }
        guard let inflater else { throw .unsupportedCoding }
        switch inflater(body, min(limit, body.count * Self.maximumRatio)) {
        case .whole(let bytes): return bytes
        case .malformed:
            throw .invalid("The body is not exactly one gzip member. Compress it again, all of it at once.")
        case .tooLong:
            throw .tooLarge(
                """
                Uncompressed, the body may have \(limit) bytes at most, and \(Self.maximumRatio) times as many as \
                compressed. Send it uncompressed, or split it into several requests.
                """)
        }
    }
}
