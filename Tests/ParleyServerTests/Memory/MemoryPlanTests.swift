import RoomProtocol
import Testing
import WebSocketCompression
import WebSocketCore
import WebSocketNIO

@testable import ParleyServer

@Suite("How memory is divided", .timeLimit(.minutes(5)))
struct MemoryPlanTests {
    private static let mebibyte = 1 << 20

    private func divided(
        _ mebibytes: Int, descriptors: Int = 20_000, processors: Int = 2, _ settings: ServerSettings = ServerSettings()
    ) throws -> (plan: MemoryPlan, configuration: ParleyConfiguration) {
        var configuration = try ParleyConfiguration(settings)
        let plan = MemoryPlan(
            memoryBytes: mebibytes * Self.mebibyte, descriptors: descriptors, processors: processors,
            settings: settings, configuration: &configuration)
        return (plan, configuration)
    }

    /// What strangers can make the process take, with what the allocator adds.
    private func most(_ configuration: ParleyConfiguration, descriptors: Int = 20_000) -> Double {
        let budgets =
            configuration.outputBudget + configuration.assemblyBudget + configuration.historyBudget
            + configuration.idempotencyBudget + 2 * configuration.bodyBudget
            + configuration.maximumSubscriptions * MemoryPlan.subscriptionBytes
        let connections = min(configuration.accept.maximumConnections ?? .max, descriptors)
        let work = (configuration.loops ?? 2) * 3 * configuration.room.maximumSaidBytes
        return Double(MemoryPlan.idleBytes + work) + 1.3 * Double(budgets)
            + Double(connections * MemoryPlan.connectionBytes)
    }

    @Test(
        "All that can grow together stays below the limit",
        arguments: [50, 55, 64, 100, 150, 256, 512, 1_024, 3_000])
    func everythingFits(mebibytes: Int) throws {
        let (plan, configuration) = try divided(mebibytes)
        #expect(most(configuration) < 0.91 * Double(mebibytes * Self.mebibyte))
        #expect(plan.missingBytes == 0)
        #expect(configuration.outputBudget >= Self.mebibyte)
        #expect(configuration.assemblyBudget >= 4 * Self.mebibyte)
        #expect(configuration.maximumSubscriptions >= 1_000)
        #expect(try #require(configuration.accept.maximumConnections) >= 64)
    }

    @Test("With enough memory every default stays, and nothing is said")
    func enoughMemory() throws {
        let (plan, configuration) = try divided(24_000)
        #expect(plan.lowered.isEmpty && plan.missingBytes == 0)
        let defaults = ParleyConfiguration()
        #expect(configuration.outputBudget == defaults.outputBudget)
        #expect(configuration.assemblyBudget == defaults.assemblyBudget)
        #expect(configuration.idempotencyBudget == defaults.idempotencyBudget)
        #expect(configuration.maximumSubscriptions == defaults.maximumSubscriptions)
        #expect(configuration.accept.maximumConnections == .max)
        #expect(configuration.loops == nil)
    }

    @Test("Connections take no more memory than the budgets leave")
    func manyDescriptors() throws {
        let (plan, configuration) = try divided(4_096, descriptors: 1_000_000)
        #expect(plan.lowered.map(\.setting) == ["max_connections"])
        #expect(configuration.outputBudget == ParleyConfiguration().outputBudget)
        #expect(try #require(configuration.accept.maximumConnections) > 20_000)
        #expect(most(configuration, descriptors: 1_000_000) < 0.91 * Double(4_096 * Self.mebibyte))
    }

    @Test("What the operator has set stays, and the rest gives way")
    func setValues() throws {
        var settings = ServerSettings()
        settings.historyBudget = 40 * Self.mebibyte
        settings.maxConnections = .number(500)
        let (plan, configuration) = try divided(150, settings)
        #expect(configuration.historyBudget == 40 * Self.mebibyte)
        #expect(configuration.accept.maximumConnections == 500)
        #expect(plan.missingBytes == 0)
        #expect(most(configuration) < 0.91 * Double(150 * Self.mebibyte))
        #expect(try configuration.outputBudget < divided(150).configuration.outputBudget)
    }

    @Test("What the operator has set and does not fit is counted, and taken all the same")
    func setValuesThatDoNotFit() throws {
        var settings = ServerSettings()
        settings.outputBudget = 256 * Self.mebibyte
        settings.maxSubscriptions = .max
        let (plan, configuration) = try divided(64, settings)
        #expect(plan.missingBytes > 256 * Self.mebibyte)
        #expect(configuration.outputBudget == 256 * Self.mebibyte)
        #expect(configuration.maximumSubscriptions == .max)
        #expect(configuration.assemblyBudget == 4 * Self.mebibyte)
    }

    @Test("A loop's part of the memory for unfinished messages holds a largest one on a machine with many processors")
    func manyProcessors() throws {
        let configuration = try divided(64, processors: 64).configuration
        let loops = try #require(configuration.loops)
        #expect(configuration.assemblyBudget / loops >= 2 * Self.mebibyte)
        #expect(try divided(24_000, processors: 64).configuration.loops == nil)
        var settings = ServerSettings()
        settings.loops = 32
        #expect(try divided(64, processors: 64, settings).configuration.loops == 32)
    }

    @Test("What loops work on is counted: there are fewer of them, and then messages are shorter")
    func work() throws {
        let (_, plenty) = try divided(512)
        #expect(plenty.loops == nil && plenty.roomLimits.maximumMessageBytes == Self.mebibyte)
        let (_, less) = try divided(64, processors: 64)
        #expect(less.loops == 1 && less.roomLimits.maximumMessageBytes == Self.mebibyte)
        let (plan, little) = try divided(55)
        #expect(little.loops == 1 && little.roomLimits.maximumMessageBytes < Self.mebibyte)
        #expect(little.roomLimits.maximumPendingBytes == 4 * little.roomLimits.maximumMessageBytes)
        #expect(plan.lowered.contains { $0.setting == "max_message" })
        var settings = ServerSettings()
        settings.maxMessage = Self.mebibyte
        #expect(try divided(55, settings).plan.missingBytes > 0)
        settings.room = false
        #expect(try divided(55, settings).plan.missingBytes == 0)
    }

    @Test("The windows of dedicated compression are divided, too")
    func compression() throws {
        var settings = ServerSettings()
        settings.compression = .dedicated
        #expect(try divided(64, settings).configuration.compressionBudget < 4 * Self.mebibyte)
        #expect(try divided(24_000, settings).configuration.compressionBudget == 256 * Self.mebibyte)
    }
}
