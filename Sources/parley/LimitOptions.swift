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

    @Option(help: "Bytes that may wait for a slow reader, but not for longer than --soft-pending-time.")
    var softPending = 256 * 1024

    @Option(help: "Seconds that more than --soft-pending may wait; then the reader is closed with 1013.")
    var softPendingTime = 10.0

    @Option(help: "Seconds that any byte may wait for a reader; then it is closed with 1013.")
    var maxPendingAge = 10.0

    @Option(help: "Bytes that may wait for all slow readers together; above it those with the most are closed.")
    var outputBudget = 256 * 1024 * 1024

    @Option(
        help: """
            Connections in all, a number or 'unlimited'; who comes at the limit waits until somebody has gone. Default \
            as many as the process may open, which is also the most.
            """)
    var maxConnections: Limit?

    @Option(
        help: """
            Connections of one IPv4 address, or IPv6 network of 64 bits: a number or 'unlimited'. More are closed at \
            once.
            """)
    var maxConnectionsPerAddress: Limit = .number(1000)

    @Option(
        help: """
            New connections a second, with a burst of twice as many: a number or 'unlimited'. More are answered with \
            503 or closed.
            """)
    var connectionRate: Limit = .number(2000)

    @Option(help: "Whether --max-connections-per-address holds for this machine itself, too: on or off.")
    var limitLoopback: Switch = .off

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
        guard softPending > 0 else {
            throw ValidationError("--soft-pending \(softPending): give a number from 1 on.")
        }
        guard outputBudget >= 1_048_576 else {
            throw ValidationError("--output-budget \(outputBudget): give at least 1048576 bytes.")
        }
        let rate = connectionRate.value ?? 1
        guard 1...1_000_000 ~= rate else {
            throw ValidationError("--connection-rate \(rate): give a number from 1 to 1000000, or 'unlimited'.")
        }
        let times = [
            ("--soft-pending-time", softPendingTime), ("--max-pending-age", maxPendingAge),
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
        configuration.roomLimits.softPendingBytes = softPending
        configuration.roomLimits.softPendingTime = milliseconds(softPendingTime)
        configuration.roomLimits.maximumPendingAge = milliseconds(maxPendingAge)
        configuration.outputBudget = outputBudget
        if let maxConnections { configuration.accept.maximumConnections = maxConnections.value }
        configuration.accept.maximumConnectionsPerAddress = maxConnectionsPerAddress.value
        configuration.accept.connectionsPerSecond = connectionRate.value
        if let rate = connectionRate.value { configuration.accept.connectionBurst = 2 * rate }
        configuration.accept.limitsLoopback = limitLoopback == .on
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
