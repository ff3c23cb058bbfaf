public import WebSocketCore

/// What one run of the load generator does. The defaults are those of the command line.
public struct LoadPlan: Sendable {
    /// The kinds of work.
    public enum Work: String, Sendable {
        /// Every connection sends messages and expects each of them back.
        case echo
        /// What publishers send has to reach every subscriber.
        case fanOut = "fanout"
        /// Connections are opened and held.
        case idle
        /// Connections are opened and closed again.
        case connect
    }

    /// The kind of work.
    public var work: Work
    /// Where to connect: `ws://host[:port]/path` (RFC 6455 §3); for ``Work/fanOut`` where the subscribers do.
    public var url: String
    /// Where the publishers connect; `nil` for the subscribers' URL.
    public var publishURL: String?
    /// Connections, or subscribers. 1 to 1,000,000.
    public var connections = 200
    /// Publishers of ``Work/fanOut``. 1 to 16.
    public var publishers = 1
    /// Bytes of a message. 24, which its header takes, to 16,777,216.
    public var size = 64
    /// Text or binary messages; the payload is printable ASCII in both.
    public var kind = MessageKind.binary
    /// Messages that a connection, or a publisher, keeps under way. 1 to 1,024.
    public var inFlight = 1
    /// Seconds that are measured. 0.1 to 300.
    public var seconds = 5.0
    /// Seconds of the same work before that. 0 to 60.
    public var warmUp = 1.0
    /// Seconds that ``Work/idle`` holds its connections. 0 to 300.
    public var hold = 2.0
    /// Whether ``Work/idle`` sends one message on each connection, and waits for its echo, before it holds them.
    public var exchanges = false
    /// Opening handshakes under way at the same time. 1 to 10,000.
    public var concurrency = 256
    /// Event loops, each with its thread. 1 to 64.
    public var loops = 1
    /// The process id of the server, for its processor time and memory; only where the server is on this machine.
    public var serverPID: Int?

    /// Seconds that what is under way at the end may take.
    var patience = 10.0
    /// Connections that one source address may have to one destination: about the ports that Linux gives out.
    var connectionsPerSource = 28_000

    /// A plan with the defaults.
    public init(_ work: Work, url: String) {
        self.work = work
        self.url = url
        if work == .fanOut { connections = 1000 }
        if work == .idle || work == .connect { connections = 10_000 }
    }

    /// Bytes that may be under way in all.
    static let maximumBytesInFlight = 1 << 30

    /// All connections that are opened.
    var totalConnections: Int { work == .fanOut ? connections + publishers : connections }

    /// Refuses what is out of range, with the name of the option.
    ///
    /// - Throws: ``LoadError``.
    public func validate() throws(LoadError) {
        try Self.check(url, option: "URL")
        if let publishURL { try Self.check(publishURL, option: "--publish-url") }
        try check(connections, in: 1...1_000_000, option: work == .fanOut ? "--subscribers" : "--connections")
        try check(publishers, in: 1...16, option: "--publishers")
        try check(size, in: PayloadHeader.byteCount...16_777_216, option: "--size")
        try check(inFlight, in: 1...1024, option: "--in-flight")
        try check(concurrency, in: 1...10_000, option: "--concurrency")
        try check(loops, in: 1...64, option: "--loops")
        try check(seconds, in: 0.1...300, option: "--seconds")
        try check(warmUp, in: 0...60, option: "--warm-up")
        try check(hold, in: 0...300, option: "--hold")
        if let serverPID { try check(serverPID, in: 1...Int(Int32.max), option: "--server-pid") }
        let senders = work == .fanOut ? publishers : connections
        if work == .echo || work == .fanOut, senders * inFlight * size > Self.maximumBytesInFlight {
            throw .option("--in-flight \(inFlight)", "more than 1 GiB would be under way: fewer, or smaller messages.")
        }
    }

    private static func check(_ url: String, option: String) throws(LoadError) {
        do {
            let parsed = try WebSocketURL(url)
            guard parsed.scheme == .ws else {
                throw LoadError.option(option, "this generator does not speak TLS: give a ws:// URL.")
            }
        } catch let error as LoadError {
            throw error
        } catch let error as InvalidWebSocketURL where error == .scheme {
            throw .option(option, "give a URL that begins with ws://; this generator does not speak TLS.")
        } catch {
            throw .option(option, "\(error).")
        }
    }

    private func check(_ number: Int, in range: ClosedRange<Int>, option: String) throws(LoadError) {
        guard range ~= number else {
            throw .option("\(option) \(number)", "give a number from \(range.lowerBound) to \(range.upperBound).")
        }
    }

    private func check(_ seconds: Double, in range: ClosedRange<Double>, option: String) throws(LoadError) {
        guard range ~= seconds else {
            throw .option(
                "\(option) \(seconds)",
                "give seconds from \(Figure.short(range.lowerBound)) to \(Figure.short(range.upperBound)).")
        }
    }
}
