import RoomProtocol
import WebSocketCompression
import WebSocketCore
import WebSocketNIO

/// How the memory of a node is divided among what strangers can make grow.
///
/// What the operator has set stays as it is. Everything else has at least its smallest value, and of what is left between
/// that and its default the same part: all of it where there is enough memory. Pure.
public struct MemoryPlan: Hashable, Sendable {
    /// A setting whose default does not fit.
    public struct Lowered: Hashable, Sendable {
        /// Its name in a configuration file.
        public let setting: String
        /// Its value now.
        public let value: Int
    }

    /// The least memory with which a server starts: the idle process, the smallest budgets, and the room for
    /// messages of ``leastMessage`` bytes on one loop. 50 MiB.
    public static let minimumBytes = 50 << 20
    /// What an idle process takes: code, stacks, tables.
    public static let idleBytes = 28 << 20
    /// What a connection takes at most besides the budgets: its request's head and what SwiftNIO has for it, or the 16
    /// subscriptions that it always has; a member with a long name and extras; the kernel's socket.
    static let connectionBytes = 24 << 10
    /// Connections that have their memory before any budget grows beyond its smallest value.
    static let fewestConnections = 64
    /// Connections that count like the budgets' defaults; there are more where memory is left.
    static let ordinaryConnections = 20_000
    /// What a subscription takes.
    static let subscriptionBytes = 1_331
    /// A room message that a loop works on is there several times: as a text that pages can show, as JSON, as a frame. Each
    /// may be as long as the JSON that a text may become.
    private static let copiesInWork = 3
    /// Largest messages are not lowered below this, in bytes.
    private static let leastMessage = 64 << 10
    /// What the allocator takes for a byte that a budget counts: its own words, and gaps.
    private static let overhead = 1.3

    /// What was lowered, in the order of the settings.
    public private(set) var lowered: [Lowered] = []
    /// Bytes that are missing for what the operator has set; 0 when all of it fits.
    public private(set) var missingBytes = 0
    /// Bytes that the process may have.
    public let memoryBytes: Int

    /// One of the things that are divided.
    private struct Part {
        let setting: String
        let path: WritableKeyPath<ParleyConfiguration, Int>
        let isSet: Bool
        let smallest: Int
        /// What one of it takes.
        let bytesEach: Double
        /// Values are multiples of it.
        let grain: Int
    }

    /// Divides the memory, and puts what is lowered into the configuration.
    ///
    /// - Parameters:
    ///   - memoryBytes: what the process may have.
    ///   - descriptors: how many files it may open.
    ///   - processors: threads of the reactor when the operator has set no number.
    ///   - settings: what the operator has set.
    ///   - configuration: what comes of that.
    public init(
        memoryBytes: Int, descriptors: Int, processors: Int, settings: ServerSettings,
        configuration: inout ParleyConfiguration
    ) {
        self.memoryBytes = memoryBytes
        var left = Double(memoryBytes) * 0.9 - Double(Self.idleBytes)
        let open = Self.parts(settings, configuration).filter { part in
            guard part.isSet else { return true }
            left -= Double(configuration[keyPath: part.path]) * part.bytesEach
            return false
        }
        let connectionBytes = Double(Self.connectionBytes)
        var ordinary = min(Self.ordinaryConnections, descriptors)
        var fewest = min(Self.fewestConnections, ordinary)
        if let limit = settings.maxConnections?.value {
            ordinary = min(limit, descriptors)
            fewest = ordinary
        }
        left -= Double(fewest) * connectionBytes
        var wanted = Double(ordinary - fewest) * connectionBytes
        for part in open {
            left -= Double(part.smallest) * part.bytesEach
            wanted += Double(configuration[keyPath: part.path] - part.smallest) * part.bytesEach
        }
        left -= Self.divideWork(free: left, processors, settings, &configuration, &lowered)
        missingBytes = Int(min(max(0, -left), 0x1p62))
        let scale = wanted > 0 ? min(1, max(0, left / wanted)) : 1
        for part in open where scale < 1 { lower(part, scale, &configuration) }
        setLoops(settings, processors, &configuration)

        guard settings.maxConnections == nil else { return }
        let more = max(0, left - wanted * scale) / connectionBytes
        let connections = fewest + Int(Double(ordinary - fewest) * scale) + Int(min(more, Double(descriptors)))
        // Otherwise descriptors say how many there can be: some of them are for refusals and the reserve.
        guard connections < descriptors - descriptors / 10 else { return }
        configuration.accept.maximumConnections = connections
        lowered.append(Lowered(setting: "max_connections", value: connections))
    }

    /// Lowers how many loops there are and the largest message so that what the loops work on fits.
    ///
    /// - Parameter free: the bytes that neither the idle process nor the smallest budgets take.
    /// - Returns: the bytes that the loops' work takes.
    private static func divideWork(
        free: Double, _ processors: Int, _ settings: ServerSettings, _ configuration: inout ParleyConfiguration,
        _ lowered: inout [Lowered]
    ) -> Double {
        guard configuration.servesRoom else { return 0 }
        func work(_ loops: Int) -> Double { Double(loops * copiesInWork) * Double(configuration.room.maximumSaidBytes) }
        var loops = settings.loops ?? processors
        while settings.loops == nil, loops > 1, work(loops) > free / 2 { loops -= 1 }
        if loops < processors { configuration.loops = loops }
        var message = configuration.roomLimits.maximumMessageBytes
        guard settings.maxMessage == nil, settings.maxPending == nil, work(loops) > free else { return work(loops) }
        while message > leastMessage, work(loops) > free {
            message /= 2
            configuration.setMaximumMessage(bytes: message)
        }
        lowered.append(Lowered(setting: "max_message", value: message))
        return work(loops)
    }

    private mutating func lower(_ part: Part, _ scale: Double, _ configuration: inout ParleyConfiguration) {
        let most = configuration[keyPath: part.path]
        let value = part.smallest + Int(Double(most - part.smallest) * scale) / part.grain * part.grain
        guard value < most else { return }
        configuration[keyPath: part.path] = value
        lowered.append(Lowered(setting: part.setting, value: value))
    }

    /// Each loop has an equal part of the memory for unfinished messages: fewer loops where a part would be too small for
    /// a largest message and the room that its buffer grows by.
    private func setLoops(_ settings: ServerSettings, _ processors: Int, _ configuration: inout ParleyConfiguration) {
        guard settings.loops == nil else { return }
        let message = max(1, configuration.roomLimits.maximumMessageBytes)
        let most = max(1, configuration.assemblyBudget / message / 2)
        if most < configuration.loops ?? processors { configuration.loops = most }
    }

    private static func parts(_ settings: ServerSettings, _ configuration: ParleyConfiguration) -> [Part] {
        var parts: [Part] = []
        func bytes(
            _ setting: String, _ path: WritableKeyPath<ParleyConfiguration, Int>, _ value: Int?, smallest: Int,
            times: Double = 1
        ) {
            parts.append(
                Part(
                    setting: setting, path: path, isSet: value != nil, smallest: smallest, bytesEach: overhead * times,
                    grain: 64 << 10))
        }
        bytes("output_budget", \.outputBudget, settings.outputBudget, smallest: 1 << 20)
        bytes("assembly_budget", \.assemblyBudget, settings.assemblyBudget, smallest: 4 << 20)
        bytes("history_budget", \.historyBudget, settings.historyBudget, smallest: 1 << 20)
        bytes("idempotency_budget", \.idempotencyBudget, settings.idempotencyBudget, smallest: 1 << 20)
        bytes("body_budget", \.bodyBudget, settings.bodyBudget, smallest: 1 << 20, times: 2)  // and answers
        if configuration.compression.mode == .dedicated {
            bytes("memory of compression windows", \.compressionBudget, nil, smallest: 0)
        }
        parts.append(
            Part(
                setting: "max_subscriptions", path: \.maximumSubscriptions, isSet: settings.maxSubscriptions != nil,
                smallest: 1_000, bytesEach: Double(subscriptionBytes) * overhead, grain: 1))
        return parts
    }
}
