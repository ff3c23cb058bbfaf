import ArgumentParser
import ParleyServer
import RoomProtocol
import WebSocketCore
import WebSocketNIO

/// The limits of `parley serve`. A limit of 0 is an error: it would mean nothing to some and everything to others.
struct LimitOptions: ParsableArguments {
    @Option(help: "Largest message in bytes, 1024 to 16777216; more is answered with 1009.")
    var maxMessage = 1024 * 1024

    @Option(help: "Bytes that may wait for a slow reader; more is answered with 1013. Default four messages.")
    var maxPending: Int?

    @Option(help: "Messages a second of one connection, with a burst of twice as many; more is answered with 1008.")
    var maxRate = 50

    @Option(help: "Members of a room.")
    var maxMembers = 1000

    @Option(help: "Seconds from connecting to the end of the handshake.")
    var handshakeTimeout = 10.0

    @Option(help: "Seconds for a client to answer a close frame.")
    var closeTimeout = 5.0

    @Option(help: "Seconds of silence after which a ping is sent.")
    var pingInterval = 25.0

    @Option(help: "Seconds for a client to answer a ping.")
    var pongTimeout = 10.0

    @Option(help: "Seconds that a message under way may stand still, or take in all but for one more for each KiB.")
    var assemblyTimeout = 30.0

    func validate() throws {
        guard 1024...16_777_216 ~= maxMessage else {
            throw ValidationError("--max-message \(maxMessage): give a number from 1024 to 16777216.")
        }
        if let maxPending, maxPending < maxMessage {
            throw ValidationError(
                "--max-pending \(maxPending): it must hold at least one message (\(maxMessage) bytes).")
        }
        guard 1...1_000_000 ~= maxRate else {
            throw ValidationError("--max-rate \(maxRate): give a number from 1 to 1000000.")
        }
        guard 1...1_000_000 ~= maxMembers else {
            throw ValidationError("--max-members \(maxMembers): give a number from 1 to 1000000.")
        }
        let times = [
            ("--handshake-timeout", handshakeTimeout), ("--close-timeout", closeTimeout),
            ("--ping-interval", pingInterval), ("--pong-timeout", pongTimeout), ("--assembly-timeout", assemblyTimeout),
        ]
        for (name, seconds) in times where !(0.1...86_400 ~= seconds) {
            throw ValidationError("\(name) \(seconds): give seconds from 0.1 to 86400.")
        }
    }

    /// Puts the limits into a configuration.
    func apply(to configuration: inout ParleyConfiguration) {
        configuration.setMaximumMessage(bytes: maxMessage)
        if let maxPending {
            configuration.roomLimits.maximumPendingBytes = maxPending
            configuration.room.maximumSaidBytes = maxPending
        }
        configuration.roomLimits.messagesPerSecond = UInt32(maxRate)
        configuration.room.maximumMembers = maxMembers
        configuration.http.requestTimeout = milliseconds(handshakeTimeout)
        configuration.roomLimits.closeTimeout = milliseconds(closeTimeout)
        configuration.roomLimits.pingInterval = milliseconds(pingInterval)
        configuration.roomLimits.pongTimeout = milliseconds(pongTimeout)
        configuration.roomLimits.assemblyTimeout = milliseconds(assemblyTimeout)
    }

    private func milliseconds(_ seconds: Double) -> UInt64 { UInt64(seconds * 1000) }
}
