import Foundation
import WebSocketCore

/// A message of the server, read by a JSON reader that is not ours.
struct Message: CustomStringConvertible {
    let text: String
    private let members: [String: Any]

    init(_ frame: SharedFrame) { self.init(String(decoding: frame.payload, as: UTF8.self)) }

    init(_ text: String) {
        self.text = text
        members = Self.object(text) ?? [:]
    }

    var description: String { text }
    /// The name; "no JSON" for a message that is none.
    var event: String { members["event"] as? String ?? "no JSON" }
    var channel: String? { members["channel"] as? String }
    var userID: String? { members["user_id"] as? String }
    var epoch: String? { members["epoch"] as? String }
    var offset: Int? { members["offset"] as? Int }
    var recovered: Bool? { members["recovered"] as? Bool }
    var gap: [String: Int]? { members["gap"] as? [String: Int] }
    var names: Set<String> { Set(members.keys) }
    var isGapNull: Bool { members["gap"] is NSNull }

    /// The data, which is a string.
    var data: String? { members["data"] as? String }
    /// The data as an object: of a string the JSON in it.
    var object: [String: Any]? { members["data"] as? [String: Any] ?? data.flatMap(Self.object) }
    /// Whether the data is an object, and no string that has one in it.
    var hasObject: Bool { members["data"] is [String: Any] }
    /// The code of an error.
    var code: Int? { object?["code"] as? Int }
    /// The status of a subscription error.
    var status: Int? { object?["status"] as? Int }
    /// The presence of a subscription.
    var presence: Presence? { (object?["presence"] as? [String: Any]).map(Presence.init) }

    struct Presence {
        let ids: [String]
        let hash: [String: Any]
        let count: Int?

        init(_ members: [String: Any]) {
            ids = members["ids"] as? [String] ?? []
            hash = members["hash"] as? [String: Any] ?? [:]
            count = members["count"] as? Int
        }
    }

    private static func object(_ text: String) -> [String: Any]? {
        (try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [String: Any]
    }
}
