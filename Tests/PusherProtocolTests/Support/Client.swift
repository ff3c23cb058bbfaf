import Channels
import PusherProtocol
import WebSocketCore

/// A client's connection as the tests see it: what the client sends goes in, the messages come out.
final class Client: PusherConnection {
    struct Close: Equatable {
        let code: UInt16
        let reason: String
    }

    private(set) var frames: [SharedFrame] = []
    private(set) var closes: [Close] = []
    /// So many messages fit on the connection before they are taken.
    var capacity = Int.max

    /// Messages that are to count for nothing, and how often the client was found to answer pings.
    private(set) var forgiven = 0
    private(set) var requirements = 0

    /// Whether its carrier can keep messages until the connection takes more, and whether it hands them over.
    var carrierWaits = false
    private(set) var isReading = true

    override func setReading(_ isReading: Bool) -> Bool {
        if carrierWaits { self.isReading = isReading }
        return carrierWaits
    }
    override func forgiveMessage() { forgiven += 1 }
    override func requireMessagesAsLife() { requirements += 1 }
    override var isWritable: Bool { frames.count < capacity }
    override func deliver(_ frame: SharedFrame) { frames.append(frame) }
    override func close(code: UInt16, reason: String) { closes.append(Close(code: code, reason: reason)) }

    /// Hands in a text message.
    func send(_ text: String) { received(.text, Array(text.utf8).span.bytes) }

    /// The messages since the last call.
    func take() -> [Message] {
        defer { frames = [] }
        return frames.map(Message.init)
    }

    /// The messages since the last call, as text.
    func takeTexts() -> [String] {
        defer { frames = [] }
        return frames.map { String(decoding: $0.payload, as: UTF8.self) }
    }

    /// The names of the messages' events since the last call.
    func takeEvents() -> [String] { take().map(\.event) }

    var socket: String { String(decoding: socketID.text, as: UTF8.self) }

    /// What an app's back end answers when a page asks for a right to a channel.
    func auth(_ channel: String, data: String? = nil, key: PusherKey = Cluster.key) -> String {
        signature("\(socket):\(channel)" + (data.map { ":" + $0 } ?? ""), key)
    }

    private func signature(_ text: String, _ key: PusherKey) -> String {
        "\(key.key):" + String(decoding: PusherSignature.sign(Array(text.utf8), with: key.secret), as: UTF8.self)
    }

    /// Subscribes with whatever right the channel needs.
    ///
    /// - Parameters:
    ///   - data: the `channel_data`.
    ///   - recover: JSON.
    func subscribe(
        _ channel: String, data: String? = nil, recover: String? = nil, auth: String? = nil,
        key: PusherKey = Cluster.key
    ) {
        let isSigned = channel.hasPrefix("private-") || channel.hasPrefix("presence-")
        let auth = auth ?? (isSigned ? self.auth(channel, data: data, key: key) : "")
        var members = #""channel":\#(json(channel)),"auth":\#(json(auth))"#
        if let data { members += #","channel_data":\#(json(data))"# }
        if let recover { members += #","recover":\#(recover)"# }
        send(#"{"event":"pusher:subscribe","data":{\#(members)}}"#)
    }

    /// Subscribes to a presence channel as a user.
    func join(_ channel: String, as user: String, info: String? = nil) {
        subscribe(channel, data: #"{"user_id":\#(user)\#(info.map { #","user_info":\#($0)"# } ?? "")}"#)
    }

    func unsubscribe(_ channel: String) {
        send(#"{"event":"pusher:unsubscribe","data":{"channel":\#(json(channel))}}"#)
    }

    func signIn(_ userData: String, auth: String? = nil, key: PusherKey = Cluster.key) {
        let auth = auth ?? signature("\(socket)::user::\(userData)", key)
        send(#"{"event":"pusher:signin","data":{"auth":\#(json(auth)),"user_data":\#(json(userData))}}"#)
    }

    /// Sends a client event.
    func say(_ data: String, event: String = "client-said", to channel: String) {
        send(#"{"event":\#(json(event)),"channel":\#(json(channel)),"data":\#(data)}"#)
    }
}

/// A string as JSON.
func json(_ text: String) -> String {
    var writer = JSONWriter()
    writer.string(text)
    return String(decoding: writer.bytes, as: UTF8.self)
}
