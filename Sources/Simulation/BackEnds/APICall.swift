import PusherProtocol

/// Signs requests to the HTTP API, as a back end's library does.
struct APICall {
    let world: World
    let app: PusherApp

    /// - Parameter query: parameters whose names come after `auth_version`, in alphabetical order, each with `&` before it.
    func get(_ path: String, query: String) -> PusherAPIRequest {
        let query = authentication + query
        return PusherAPIRequest(method: "GET", path: path, query: query + signature("GET", path, query))
    }

    func post(_ path: String, body: [UInt8], idempotencyKey: String?) -> PusherAPIRequest {
        let digest = String(decoding: PusherSignature.bodyDigest(body), as: UTF8.self)
        let query = authentication + "&body_md5=\(digest)"
        return PusherAPIRequest(
            method: "POST", path: path, query: query + signature("POST", path, query),
            idempotencyKey: idempotencyKey, body: body)
    }

    private var authentication: String {
        "auth_key=\(app.keys.first?.key ?? "")&auth_timestamp=\(world.unixSeconds)&auth_version=1.0"
    }

    private func signature(_ method: String, _ path: String, _ query: String) -> String {
        let text = Array("\(method)\n\(path)\n\(query)".utf8)
        let signature = PusherSignature.sign(text, with: app.keys.first?.secret ?? "")
        return "&auth_signature=" + String(decoding: signature, as: UTF8.self)
    }
}
