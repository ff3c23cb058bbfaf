import Foundation
import PusherProtocol

/// A request to the HTTP API as a back end's library sends it.
enum SignedRequest {
    /// The request as text.
    ///
    /// - Parameters:
    ///   - path: as it is signed; `prefix` stands before it on the wire.
    ///   - fields: whole lines, each with its line end.
    static func text(
        _ method: String = "POST", _ path: String = "/apps/1/events", _ body: String = "", prefix: String = "",
        query: [String: String] = [:], fields: String = "", pair: PusherKey = RunningParley.key
    ) -> String {
        "\(method) \(prefix)\(target(method, path, body, query, pair)) HTTP/1.1\r\nHost: a\r\n\(fields)"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    static func target(
        _ method: String, _ path: String, _ body: String, _ query: [String: String], _ pair: PusherKey
    ) -> String {
        var query = query
        query["auth_key"] = pair.key
        query["auth_timestamp"] = String(Int(Date().timeIntervalSince1970))
        query["auth_version"] = "1.0"
        if !body.isEmpty {
            query["body_md5"] = String(decoding: PusherSignature.bodyDigest(Array(body.utf8)), as: UTF8.self)
        }
        let pairs = query.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: "&")
        let signature = PusherSignature.sign(Array("\(method)\n\(path)\n\(pairs)".utf8), with: pair.secret)
        return "\(path)?\(pairs)&auth_signature=\(String(decoding: signature, as: UTF8.self))"
    }

    /// The body of an event on one channel.
    static func event(_ data: String, on channel: String = "c") -> String {
        "{\"name\":\"e\",\"channels\":[\"\(channel)\"],\"data\":\"\(data)\"}"
    }
}
