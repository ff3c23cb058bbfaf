import Crypto

/// The rules by which a request shows that it comes from an app's back end (section 6).
struct APISignature {
    /// How many seconds before and after now a timestamp is accepted.
    static let window: UInt64 = 600

    /// The pair that signed.
    let key: PusherKey
    /// The signature, 64 hexadecimal digits.
    let digits: ArraySlice<UInt8>
    /// The Unix second that was signed.
    let timestamp: UInt64

    /// What the body's digest has to be; `nil` when nothing was signed.
    private let bodyDigest: ArraySlice<UInt8>?

    /// Checks what the head of the request and the clock decide: the body itself is not looked at, since its digest is
    /// what is signed. 401 when anything is wrong.
    ///
    /// - Parameters:
    ///   - signedPath: the path from `/apps/` on, as it came.
    ///   - keys: those of the app.
    ///   - dialect: the app's; a lenient app needs no `auth_version`.
    ///   - now: the present Unix second.
    init(
        of request: PusherAPIRequest, signedPath: Substring.UTF8View, query: APIQuery, keys: [APIKey],
        dialect: PusherDialect, now: UInt64
    ) throws(PusherAPIError) {
        guard !query.isUnsigned else { throw .notSigned }
        guard let name = query.plainValue("auth_key"), let key = keys.first(where: { name.elementsEqual($0.name) })
        else { throw .unknownKey }
        let version = query.plainValue("auth_version")
        guard version?.elementsEqual("1.0".utf8) ?? (dialect == .lenient) else { throw .wrongVersion }
        guard let digits = query.plainValue("auth_signature"), digits.count == PusherSignature.digits,
            digits.allSatisfy(Self.isHexadecimal)
        else { throw .malformedSignature }
        var text: [UInt8] = []
        text.reserveCapacity(request.path.utf8.count + request.query.utf8.count + 16)
        text.append(contentsOf: request.method.utf8)
        text.append(UInt8(ascii: "\n"))
        text.append(contentsOf: signedPath)
        text.append(UInt8(ascii: "\n"))
        query.append(signedTo: &text)
        guard key.signer.isValid(digits, of: text) else { throw .wrongSignature }
        guard let timestamp = Self.wholeNumber(query.plainValue("auth_timestamp")) else { throw .malformedTimestamp }
        guard max(timestamp, now) - min(timestamp, now) <= Self.window else { throw .staleTimestamp }
        bodyDigest = query.plainValue("body_md5")
        self.key = key.pair
        self.digits = digits
        self.timestamp = timestamp
    }

    /// Whether a body may come at all, from the head: a GET has none, and a body needs a digest that was signed.
    func checkThatBodyMayCome(method: String) throws(PusherAPIError) {
        guard method != "GET" else { throw .unexpectedBody }
        guard bodyDigest != nil else { throw .missingDigest }
    }

    /// The Python library sends the digest of nothing with a GET, others send none at all: a digest has to be right.
    func check(_ body: [UInt8], method: String) throws(PusherAPIError) {
        if !body.isEmpty { try checkThatBodyMayCome(method: method) }
        guard let bodyDigest else { return }
        guard Self.isDigest(bodyDigest, of: body) else { throw .wrongDigest }
    }

    /// No secret is compared here: the digest is a part of what was signed, and in the request itself.
    private static func isDigest(_ digits: ArraySlice<UInt8>, of body: [UInt8]) -> Bool {
        Insecure.MD5.hash(data: body).withUnsafeBytes { bytes in
            guard digits.count == 2 * bytes.count else { return false }
            return zip(digits, 0...).allSatisfy { digit, place in
                let half = place.isMultiple(of: 2) ? bytes[place / 2] >> 4 : bytes[place / 2] & 15
                return digit == (half < 10 ? UInt8(ascii: "0") &+ half : UInt8(ascii: "a") &+ (half &- 10))
            }
        }
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): true
        default: false
        }
    }

    private static func wholeNumber(_ digits: ArraySlice<UInt8>?) -> UInt64? {
        guard let digits, (1...16).contains(digits.count) else { return nil }
        var number: UInt64 = 0
        for digit in digits {
            guard 0x30...0x39 ~= digit else { return nil }
            number = number * 10 + UInt64(digit - 0x30)
        }
        return number
    }
}
