import ArgumentParser
import ParleyServer

/// The limits of `parley serve`. What is not given has the value of the configuration file, or its default.
struct LimitOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: "Largest message in the room in bytes, 1024 to 16777216; more is answered with 1009. Default 1048576.")
    var maxMessage: Int?

    @Option(
        parsing: .unconditional,
        help: "Bytes that may wait for a slow reader in the room; more is answered with 1013. Default four messages.")
    var maxPending: Int?

    @Option(
        parsing: .unconditional,
        help: """
            Bytes that may wait for a slow reader, but not for longer than --soft-pending-time; 64 KiB or more queued \
            at once is not counted while it is being sent. Default 262144.
            """)
    var softPending: Int?

    @Option(
        parsing: .unconditional,
        help: "Seconds that more than --soft-pending may wait; then the reader is closed. Default 10.")
    var softPendingTime: Double?

    @Option(
        parsing: .unconditional,
        help: """
            Seconds that any byte may wait for a reader; then it is closed. 64 KiB or more queued at once, and what \
            waits behind it, may take longer, as long as the reader takes 64 KiB in this time and no more than half \
            of --output-budget is used. Default 10.
            """)
    var maxPendingAge: Double?

    @Option(
        parsing: .unconditional,
        help: """
            Bytes that may wait for all slow readers together; above it those with the most are closed. Default \
            268435456, less where memory is limited.
            """)
    var outputBudget: Int?

    @Option(
        parsing: .unconditional,
        help: """
            Bytes of what all channels keep; above it the oldest goes first. Default 268435456, less where memory is \
            limited.
            """)
    var historyBudget: Int?

    @Option(
        parsing: .unconditional,
        help: """
            WebSockets, a number or 'unlimited'; one more gets 503. A reserve of 5 %, at least 16 connections, stays for \
            the HTTP API. Default as many as the process may open and has memory for; a number above what it may open is \
            lowered to that, with a line in the log.
            """)
    var maxConnections: LimitSetting?

    @Option(
        parsing: .unconditional,
        help: """
            Connections of one IPv4 address, or IPv6 network of 64 bits: a number or 'unlimited'. More get 503. A \
            number that is given counts as given; only where descriptors are short it is still at most half of what \
            they allow. Default 1000, and at most half of --max-connections.
            """)
    var maxConnectionsPerAddress: LimitSetting?

    @Option(
        parsing: .unconditional,
        help: """
            New connections a second, with a burst of twice as many: a number or 'unlimited'. More get 503. Default 2000.
            """)
    var connectionRate: LimitSetting?

    @Option(
        help: """
            A proxy whose word on its clients' addresses counts, as an address or network like 10.0.0.0/8; may be \
            repeated. Default none.
            """)
    var trustProxy: [String] = []

    @Option(help: "The header in which trusted proxies name the client. Default X-Forwarded-For.")
    var forwardedHeader: String?

    @Option(
        help: """
            Whether --max-connections-per-address, and the nine in ten of --max-members, hold for this machine itself, \
            too: on or off. Default off.
            """)
    var limitLoopback: Switch?

    @Option(
        parsing: .unconditional,
        help: """
            Messages a second of one connection, with a burst of twice as many. Above it the client has to wait; one \
            that had to for more than half of a minute is closed. Default 50.
            """)
    var maxRate: Int?

    @Option(
        parsing: .unconditional,
        help: """
            Bytes a second from one visitor of the room, with a burst of one largest message: a number from 65536 on, \
            or 'unlimited'. Above it the client has to wait, as with --max-rate. Default 1048576.
            """)
    var maxByteRate: LimitSetting?

    @Option(
        parsing: .unconditional, help: "Members of a room; at most nine in ten of them from one address. Default 1000.")
    var maxMembers: Int?

    @Option(
        parsing: .unconditional,
        help: """
            Subscriptions of all apps' clients together, about 1.3 KB each; each connection has 16 besides. Half of \
            them is in equal parts for each app. More are refused with pusher:subscription_error. Default 500000, less \
            where memory is limited.
            """)
    var maxSubscriptions: Int?

    @Option(
        parsing: .unconditional,
        help: """
            Seconds from connecting, or from the first byte of a later request, to the end of the handshake or of the \
            request. The body of a signed request has 30 seconds of its own, from the end of the request's head. Default \
            10.
            """)
    var handshakeTimeout: Double?

    @Option(
        parsing: .unconditional,
        help: """
            Bytes that the bodies of requests to the HTTP API may take together, 1048576 at least; one app takes half \
            of it at most, and more is answered with 503. Default 67108864, less where \
            memory is limited.
            """)
    var bodyBudget: Int?

    @Option(
        parsing: .unconditional,
        help: """
            Bytes that messages may take together of which a part is missing, 1048576 at least; each loop has an equal \
            part. Above it those that take most are closed with 1013. Default 268435456, less where memory is limited.
            """)
    var assemblyBudget: Int?

    @Option(
        parsing: .unconditional,
        help: "Seconds that a connection is kept for another HTTP request after one was answered. Default 75.")
    var keepAliveTimeout: Double?

    @Option(
        parsing: .unconditional,
        help: """
            Seconds that the server listens on after SIGTERM or SIGINT, 0 to 3600: GET /up and new WebSockets are \
            answered with 503 meanwhile. A second signal ends the wait. Default 1.
            """)
    var drainDelay: Double?

    @Option(parsing: .unconditional, help: "Seconds for a client to answer a close frame. Default 5.")
    var closeTimeout: Double?

    @Option(parsing: .unconditional, help: "Seconds of silence in the room after which a ping is sent. Default 25.")
    var pingInterval: Double?

    @Option(parsing: .unconditional, help: "Seconds for a client of the room to answer a ping. Default 10.")
    var pongTimeout: Double?

    @Option(
        parsing: .unconditional,
        help: """
            Seconds that an incomplete message may make no progress; its total time is limited to this plus one second \
            for each KiB received. Default 30.
            """)
    var assemblyTimeout: Double?

    /// Puts what was given into settings.
    func apply(to settings: inout ServerSettings) {
        settings.maxMessage = maxMessage
        settings.maxPending = maxPending
        settings.softPending = softPending
        settings.softPendingTime = softPendingTime
        settings.maxPendingAge = maxPendingAge
        settings.outputBudget = outputBudget
        settings.historyBudget = historyBudget
        settings.maxConnections = maxConnections
        settings.maxConnectionsPerAddress = maxConnectionsPerAddress
        settings.connectionRate = connectionRate
        if !trustProxy.isEmpty { settings.trustProxy = trustProxy }
        settings.forwardedHeader = forwardedHeader
        settings.limitLoopback = limitLoopback?.isOn
        settings.maxRate = maxRate
        settings.maxByteRate = maxByteRate
        settings.maxMembers = maxMembers
        settings.maxSubscriptions = maxSubscriptions
        settings.handshakeTimeout = handshakeTimeout
        settings.bodyBudget = bodyBudget
        settings.assemblyBudget = assemblyBudget
        settings.keepAliveTimeout = keepAliveTimeout
        settings.drainDelay = drainDelay
        settings.closeTimeout = closeTimeout
        settings.pingInterval = pingInterval
        settings.pongTimeout = pongTimeout
        settings.assemblyTimeout = assemblyTimeout
    }
}
