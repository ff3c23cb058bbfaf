import Logging
import PusherProtocol
import WebSocketCore

/// The operator's view of what peers are refused: by the front door, the HTTP API, the Pusher protocol and in close
/// frames. Any thread.
///
/// `notice` for what an operator or a developer has to put right (keys, signatures, origins, limits, messages that the
/// protocol forbids), `info` for requests that lead nowhere, `debug` for peers that have gone.
final class RefusalLog: Sendable {
    private let log: SampledLog

    init(_ logger: Logger) { log = SampledLog("refused", logger) }

    /// A peer was refused something.
    func report(_ refusal: Refusal) {
        log.report(
            Self.level(of: refusal.answer), reason: "\(refusal.answer): \(refusal.reason)", Self.metadata(refusal))
    }

    private static func metadata(_ refusal: Refusal) -> Logger.Metadata {
        var metadata: Logger.Metadata = ["peer": "\(LogText.escaped(refusal.peer))"]
        if !refusal.detail.isEmpty { metadata["sent"] = "\"\(LogText.escaped(refusal.detail))\"" }
        return metadata
    }

    private static func level(of answer: Refusal.Answer) -> Logger.Level {
        switch answer {
        case .status(500...): .warning
        // 426, or a page, is also what a proxy earns that does not pass an upgrade on.
        case .status(..<400), .status(401), .status(403), .status(413), .status(426), .status(429): .notice
        case .status: .info
        // No answer to a ping, and clients that are sent away to come back.
        case .close(PusherService.noPong), .close(.goingAway), .close(CloseCode(rawValue: PusherCloseCode.reconnect)):
            .debug
        case .close, .error, .message: .notice
        }
    }
}
