/// What a run has measured, and what the server did wrong. Times are in nanoseconds unless they say otherwise.
public struct LoadReport: Sendable {
    /// What was done.
    public let plan: LoadPlan
    /// Connections that were opened, publishers included.
    public internal(set) var opened = 0
    /// Seconds that opening them took.
    public internal(set) var connectSeconds = 0.0
    /// Processor time of the server meanwhile; `nil` without a process id, or when it is gone.
    public internal(set) var connectProcessorTime: UInt64?
    /// Seconds that were measured.
    public internal(set) var measuredSeconds = 0.0
    /// Echoes or deliveries in that time.
    public internal(set) var messages: UInt64 = 0
    /// Reads that brought them.
    public internal(set) var reads: UInt64 = 0
    /// Their latencies, for ``LoadPlan/Work/connect`` those of the handshakes; `nil` when there was none.
    public internal(set) var latency: LatencySummary?
    /// Processor time of the server in the measured or held time; `nil` without a process id, or when it is gone.
    public internal(set) var processorTime: UInt64?
    /// Processor time of the generator in the measured time.
    public internal(set) var ownProcessorTime: UInt64 = 0
    /// The server's memory before the first connection; `nil` without a process id.
    public internal(set) var memoryBefore: ServerMemory?
    /// The server's memory after the measured or held time.
    public internal(set) var memoryAfter: ServerMemory?
    /// Connections of ``LoadPlan/Work/idle`` that were open when the memory was read.
    public internal(set) var held = 0
    /// Messages that were published, warm-up included.
    public internal(set) var published: UInt64 = 0
    /// Echoes or deliveries in all, warm-up included.
    public internal(set) var total: UInt64 = 0
    /// Messages that are missing in the sequence of a connection.
    public internal(set) var gaps: UInt64 = 0
    /// Everything that was not as it should.
    public internal(set) var errors: UInt64 = 0
    /// The first ten errors in words; one of them may stand for several of its kind.
    public internal(set) var faults: [String] = []
    /// Errors that ``faults`` leaves out.
    public internal(set) var undescribed: UInt64 = 0

    init(plan: LoadPlan) { self.plan = plan }

    /// Bytes of a message on the wire: header (RFC 6455 §5.2), no mask, payload.
    private var frameBytes: Int { plan.size + (plan.size < 126 ? 2 : plan.size < 65_536 ? 4 : 10) }

    /// Messages a second.
    public var messagesPerSecond: Double { ratio(Double(messages), measuredSeconds) }
    /// Mebibytes a second that the generator received, frame headers included.
    public var mebibytesPerSecond: Double { messagesPerSecond * Double(frameBytes) / 1_048_576 }
    /// How many messages a read brought: how well the server puts several into one write.
    public var messagesPerRead: Double { ratio(Double(messages), Double(reads)) }
    /// Handshakes a second.
    public var connectsPerSecond: Double { ratio(Double(opened), connectSeconds) }
    /// The server's processor time for a message, in microseconds.
    public var processorMicrosecondsPerMessage: Double? {
        processorTime.map { ratio(Double($0) / 1000, Double(messages)) }
    }
    /// The server's processor time for a handshake, in microseconds.
    public var processorMicrosecondsPerConnect: Double? {
        connectProcessorTime.map { ratio(Double($0) / 1000, Double(opened)) }
    }
    /// How many processors the server kept busy.
    public var serverUtilization: Double? { processorTime.map { ratio(Double($0) / 1e9, measuredSeconds) } }
    /// How many processors the generator kept busy: near the number of its loops it is the bottleneck.
    public var clientUtilization: Double { ratio(Double(ownProcessorTime) / 1e9, measuredSeconds) }
    /// Memory that the server took for each connection held, in bytes: resident, and anonymous alone.
    public var memoryPerConnection: (resident: Double, anonymous: Double)? {
        guard let memoryBefore, let memoryAfter, held > 0 else { return nil }
        return (
            Double(memoryAfter.resident - memoryBefore.resident) / Double(held),
            Double(memoryAfter.anonymous - memoryBefore.anonymous) / Double(held)
        )
    }

    private func ratio(_ value: Double, _ divisor: Double) -> Double { divisor > 0 ? value / divisor : 0 }
}
