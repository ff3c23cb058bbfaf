import Channels
import Foundation
import RoomProtocol
import WebSocketCore

/// A connection to a room as the tests see it: what the client sends goes in, the pushes come out.
final class Connection: RoomMember {
    private var frames: [SharedFrame] = []
    /// Called at each delivery.
    var onDelivery: (() -> Void)?
    /// The code that the connection was ended with by the room.
    private(set) var disconnectCode: UInt16?
    /// How many deliveries the connection takes until it is written; `nil` for any number.
    var room: Int?

    override var isWritable: Bool { room.map { $0 > 0 } ?? true }

    override func deliver(_ frame: SharedFrame) {
        frames.append(frame)
        room? -= 1
        onDelivery?()
    }

    override func disconnect(_ code: UInt16, reason: String) { disconnectCode = code }

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
    /// Whether a request to resume was granted; `nil` when the push does not say.
    var isRecovered: Bool? { members["recovered"] as? Bool }
    var missed: Int? { members["missed"] as? Int }
    var gap: [String: Int]? { members["gap"] as? [String: Int] }
    var users: [[String: String]]? { members["users"] as? [[String: String]] }
    /// The type, or "said", which has none.
    var kind: String { self["type"] ?? "said" }
    var isError: Bool { self["type"] == "error" && self["code"] == "0" && self["code1"] == "all" }
}
