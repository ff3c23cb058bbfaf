import Channels
import Foundation
import RoomProtocol
import WebSocketCore

/// A connection to a room as the tests see it: what the client sends goes in, the pushes come out.
final class Connection: RoomMember {
    private var frames: [SharedFrame] = []
    /// Called at each delivery.
    var onDelivery: (() -> Void)?

    override func deliver(_ frame: SharedFrame) {
        frames.append(frame)
        onDelivery?()
    }

    /// Hands in a text message.
    func send(_ text: String) { received(text: Array(text.utf8).span.bytes) }

    /// The pushes since the last call, as text.
    func takeTexts() -> [String] {
        defer { frames = [] }
        return frames.map { String(decoding: $0.payload, as: UTF8.self) }
    }

    /// The pushes since the last call.
    func take() throws -> [Push] { try takeTexts().map(Push.init) }
}

/// One push, read as JSON.
struct Push {
    let members: [String: Any]

    init(_ text: String) throws {
        struct NoObject: Error {}
        guard let members = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] else {
            throw NoObject()
        }
        self.members = members
    }

    subscript(_ name: String) -> String? { members[name] as? String }
    var users: [[String: String]]? { members["users"] as? [[String: String]] }
    /// The type, or "said", which has none.
    var kind: String { self["type"] ?? "said" }
    var isError: Bool { self["type"] == "error" && self["code"] == "0" && self["code1"] == "all" }
}
