import Testing

@testable import LoadGenerator

#if canImport(Glibc)
import Glibc
#endif

@Suite("What a server process uses", .timeLimit(.minutes(5)))
struct ServerMeterTests {
    @Test("Run time is the first number of a schedstat file")
    func schedstat() {
        #expect(ServerMeter.runTime(schedstat: "123456789 42 7\n") == 123_456_789)
        #expect(ServerMeter.runTime(schedstat: "") == nil)
        #expect(ServerMeter.runTime(schedstat: "x 1 2") == nil)
    }

    @Test("Memory is read from smaps_rollup, in bytes")
    func memory() throws {
        let text = """
            55d0c0a00000-7ffd3c5f7000 ---p 00000000 00:00 0                          [rollup]
            Rss:                1528 kB
            Pss:                 300 kB
            Anonymous:            96 kB
            AnonHugePages:         0 kB
            """
        let memory = try #require(ServerMemory(smapsRollup: text))
        #expect(memory.resident == 1528 * 1024)
        #expect(memory.anonymous == 96 * 1024)
        #expect(ServerMemory(smapsRollup: "Rss: 1 kB\n") == nil)
    }

    #if os(Linux)
    @Test("This process is there and uses something")
    func own() throws {
        let meter = try ServerMeter(pid: Int(getpid()))
        #expect(try #require(meter.processorTime) > 0)
        #expect(try #require(meter.memory).resident > 100_000)
    }
    #endif

    @Test("A process that is not there is named")
    func missing() {
        let error = #expect(throws: LoadError.self) { try ServerMeter(pid: Int(Int32.max)) }
        #expect(error?.description.contains("--server-pid 2147483647") == true)
    }
}
