import Channels

/// Why the HTTP API does not do what it was asked, with the status that says so. The one table of its statuses.
struct PusherAPIError: Error, Equatable {
    /// The HTTP status.
    let status: Int
    /// What is wrong and what helps, for the person who reads it.
    let text: String
    /// After how many seconds the same request may succeed; `nil` when waiting changes nothing.
    let retryAfter: Int?
    /// The method that would be right; `nil` when the method is.
    let allow: String?

    private init(_ status: Int, _ text: String, retryAfter: Int? = nil, allow: String? = nil) {
        self.status = status
        self.text = text
        self.retryAfter = retryAfter
        self.allow = allow
    }

    // MARK: 400: what is asked makes no sense

    /// Something in the path, the query or the body is not as it should be.
    static func invalid(_ text: String) -> PusherAPIError { PusherAPIError(400, text) }

    // MARK: 401: nobody with the right to ask has asked this

    /// The signature or what goes with it is not right.
    static func unsigned(_ text: String) -> PusherAPIError { PusherAPIError(401, text) }
    static let repeatedParameter = unsigned(
        "A query parameter is there twice, or one of the auth_ parameters is an array. Send each once.")
    static let ambiguousQuery = unsigned(
        "A query parameter has an encoded & or a name with =, which makes the signed text ambiguous. Leave it out.")
    static let tooManyParameters = unsigned(
        "The query has more than \(APIQuery.maximumParameters) parameters. Send fewer.")
    static let notSigned = unsigned(
        """
        This request is not signed. The Pusher libraries for servers sign requests; to sign without one, see \
        Documentation/http-api.md: the query needs auth_key, auth_timestamp, auth_version=1.0, with a body body_md5, and \
        auth_signature.
        """)
    static let unknownKey = unsigned(
        "auth_key is not a key of this app. Check the key, and that app id and key belong together.")
    static let wrongVersion = unsigned("auth_version has to be 1.0; only an app whose dialect is lenient does without.")
    static let malformedSignature = unsigned(
        "auth_signature has to be there once, as 64 hexadecimal digits in small letters.")
    static let wrongSignature = unsigned(
        """
        auth_signature is not right. Check the secret, and that the path is signed as it is sent, from /apps/ on, with \
        every query parameter but auth_signature, sorted by name and not URL-encoded.
        """)
    static let malformedTimestamp = unsigned("auth_timestamp has to be there once, as whole Unix seconds.")
    static let staleTimestamp = unsigned(
        "auth_timestamp is more than 600 seconds away from this server's clock. Check the clocks, and sign anew.")
    static let missingDigest = unsigned("A request with a body needs body_md5 among what is signed.")
    static let wrongDigest = unsigned(
        "body_md5 is not the MD5 of the body, as 32 hexadecimal digits in small letters. Was the body changed on its way?"
    )
    static let unexpectedBody = unsigned("A GET request has no body here. Send it without one.")
    static let replayed = unsigned(
        """
        This signature was used before, and this app takes each one once. Sign anew in the next second, or with one \
        more query parameter of any name that makes it another one.
        """)

    // MARK: 403 and 404: not here

    static let disabled = PusherAPIError(403, "This app is disabled. Enable it in the server's configuration.")
    static let unknownApp = PusherAPIError(404, "There is no app with this id. Check the id in the path.")
    static let unknownPath = PusherAPIError(404, "The API has nothing under this path. Check its spelling.")

    // MARK: 405 to 429: not so

    static func wrongMethod(allowed: String) -> PusherAPIError {
        PusherAPIError(405, "This path takes \(allowed) requests only.", allow: allowed)
    }
    static let keyWasUsed = PusherAPIError(
        409, "This Idempotency-Key stands for another request. Take a new key for a new request.")
    /// Something is larger than it may be.
    static func tooLarge(_ text: String) -> PusherAPIError { PusherAPIError(413, text) }
    static let longTarget = PusherAPIError(
        414, "Path and query may have \(PusherAPI.maximumTargetBytes) bytes at most.")
    static let unsupportedCoding = PusherAPIError(
        415, "Content-Encoding may be gzip or identity. Send the body so, or uncompressed and without that field.")
    static let tooManyRequests = PusherAPIError(
        429, "Too many requests with this key. Wait a second, and send several events as one batch.", retryAfter: 1)

    // MARK: 503: not now

    static let unavailable = PusherAPIError(
        503, "The store can not be reached: nothing is confirmed. Repeat the request, with an Idempotency-Key.",
        retryAfter: 1)
    static let overloaded = PusherAPIError(
        503, "The server takes no more at the moment and has kept nothing. Repeat the request a little later.",
        retryAfter: 1)

    static let tooManyAnswers = PusherAPIError(
        503, "This app has as many long answers on the way as it may. Read them, and repeat the request.",
        retryAfter: 1)

    static let tooManySignatures = PusherAPIError(
        503, "Too many signatures to remember, and this app takes each one once. Repeat the request a little later.",
        retryAfter: 10)

    /// What an engine's error is to the publisher.
    init(_ error: EngineError) {
        self =
            switch error {
            case .keyWasUsed: .keyWasUsed
            case .overloaded: .overloaded
            default: .unavailable
            }
    }

    /// The same, with the place in the request that it is about.
    func at(_ place: String) -> PusherAPIError {
        PusherAPIError(status, "\(place): \(text)", retryAfter: retryAfter, allow: allow)
    }

    /// The answer that says so.
    var response: PusherAPIResponse {
        var json = JSONWriter()
        json.raw(#"{"error":"#)
        json.string(text)
        json.raw("}")
        var response = PusherAPIResponse(status: status, json: json)
        response.refusal = text
        if let retryAfter { response.fields.append(("retry-after", String(retryAfter))) }
        if let allow { response.fields.append(("allow", allow)) }
        // RFC 9110 §15.5.16: the answer says which codings would do.
        if status == 415 { response.fields.append(("accept-encoding", "gzip, identity")) }
        return response
    }
}
