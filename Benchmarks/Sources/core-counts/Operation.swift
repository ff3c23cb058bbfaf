import WebSocketCore

/// What can be counted.
enum Operation: String, CaseIterable {
    /// Allocates exactly once per operation: shows that the counting itself is right.
    case control
    /// One masked text frame of 64 bytes through ``FrameParser``: header and unmasking, the general way. (A whole message
    /// goes a shorter one in ``ConnectionStateMachine``: see ``receive64``.)
    case parse64 = "parse-64"
    /// One masked text frame of 64 bytes through ``ConnectionStateMachine``: header, unmasking, UTF-8, rates.
    case receive64 = "receive-64"
    /// The same with a payload of 64 KiB.
    case parse64K = "parse-64k"
    /// The same with a payload of 64 KiB.
    case receive64K = "receive-64k"
    /// A header and 64 bytes appended to a buffer that is used again and again.
    case encode64 = "encode-64"
    /// A ``SharedFrame`` of 64 bytes: what fan-out encodes once.
    case sharedFrame64 = "shared-frame-64"
    /// One delivery of a publication to one of 1,000 subscribers: 13 instructions for the walk, 5 in the subscriber,
    /// which only counts, and a thousandth of what the publication costs.
    case deliver
    /// The answer to a browser's opening request.
    case handshake
    /// UTF-8 validation of 64 KiB of ASCII.
    case utf8ASCII = "utf8-ascii-64k"
    /// UTF-8 validation of 64 KiB of Chinese.
    case utf8Chinese = "utf8-chinese-64k"

    /// Runs the operation `count` times; the sum of its results.
    func run(_ count: Int) -> Int {
        switch self {
        case .control: return Control.run(count)
        case .parse64: return Receiving.parse(count, payloadBytes: 64)
        case .receive64: return Receiving.receive(count, payloadBytes: 64)
        case .parse64K: return Receiving.parse(count, payloadBytes: 65_536)
        case .receive64K: return Receiving.receive(count, payloadBytes: 65_536)
        case .encode64: return Sending.encode(count)
        case .sharedFrame64: return Sending.share(count)
        case .deliver: return FanOut.deliver(count)
        case .handshake: return Opening.respond(count)
        case .utf8ASCII: return Text.validate(count, Text.ascii)
        case .utf8Chinese: return Text.validate(count, Text.chinese)
        }
    }
}
