import Foundation
import Testing
import WebSocketCore

@testable import LoadGenerator

@Suite("The report of a run", .timeLimit(.minutes(5)))
struct LoadReportTests {
    private func echo() -> LoadReport {
        var report = LoadReport(plan: LoadPlan(.echo, url: "ws://127.0.0.1/"))
        report.opened = 200
        report.connectSeconds = 0.02
        report.connectProcessorTime = 16_000_000
        report.measuredSeconds = 5
        report.messages = 400_000
        report.reads = 100_000
        report.latency = LatencySummary(p50: 1_500_000, p90: 2_000_000, p99: 3_000_000, p999: 4_000_000, max: 5_000_000)
        report.processorTime = 4_000_000_000
        report.ownProcessorTime = 2_500_000_000
        report.memoryAfter = ServerMemory(smapsRollup: "Rss: 2048 kB\nAnonymous: 1024 kB\n")
        report.total = 480_000
        return report
    }

    private func idle() -> LoadReport {
        var plan = LoadPlan(.idle, url: "ws://127.0.0.1/")
        plan.exchanges = true
        var report = LoadReport(plan: plan)
        report.opened = 10_000
        report.held = 10_000
        report.connectSeconds = 1
        report.memoryBefore = ServerMemory(smapsRollup: "Rss: 10000 kB\nAnonymous: 5000 kB\n")
        report.memoryAfter = ServerMemory(smapsRollup: "Rss: 13000 kB\nAnonymous: 7000 kB\n")
        report.processorTime = 2_000_000
        return report
    }

    private func object(_ report: LoadReport) throws -> [String: Any] {
        #expect(!report.json.contains("\n"))
        let object = try JSONSerialization.jsonObject(with: Data(report.json.utf8))
        return try #require(object as? [String: Any])
    }

    @Test("Echo: the figures as JSON")
    func echoJSON() throws {
        let object = try object(echo())
        #expect(object["mode"] as? String == "echo")
        let numbers = [
            "conns": 200, "size": 64, "depth": 1, "loops": 1, "msgs_per_s": 80_000, "mib_per_s": 5.0,
            "msgs_per_read": 4.0, "p50_us": 1500, "p90_us": 2000, "p99_us": 3000, "p999_us": 4000, "max_us": 5000,
            "server_cpu_us_per_msg": 10.0, "server_util": 0.8, "client_util": 0.5, "rss_kib": 2048,
            "connect_per_s": 10_000, "server_cpu_us_per_connect": 80, "total": 480_000, "errors": 0, "gaps": 0,
            "seconds": 5,
        ]
        for (key, number) in numbers { #expect(object[key] as? Double == number, "\(key)") }
        #expect(object["faults"] as? [String] == [])
    }

    @Test("Echo: the summary for a person")
    func echoSummary() {
        #expect(
            echo().summary == """
                echo: 200 connections, 64 B binary, 1 in flight, 5.0 s
                  echoes      80,000/s, 5.0 MiB/s, 4.00 a read
                  latency     p50 1.50 ms, p90 2.00 ms, p99 3.00 ms, p99.9 4.00 ms, max 5.00 ms
                  server      10.00 µs of processor time an echo, 80 % busy
                  generator   50 % busy
                  handshakes  10,000/s, 80 µs of processor time each
                  errors      none
                """)
    }

    @Test("Errors are counted, the first ones described, the rest named as such")
    func errors() throws {
        var report = echo()
        report.errors = 1012
        report.gaps = 3
        report.undescribed = 2
        report.faults = ["connection 1: order or loss", "1010 messages \"never\"\narrived"]
        #expect(
            report.summary.hasSuffix(
                """
                  errors      1,012, 3 messages missing
                    connection 1: order or loss
                    1010 messages "never"
                arrived
                    and 2 more
                """))
        let object = try object(report)
        #expect(object["errors"] as? Int == 1012)
        #expect(object["gaps"] as? Int == 3)
        #expect(object["faults"] as? [String] == report.faults)
    }

    @Test("A generator that is itself the limit says so")
    func limit() {
        var report = echo()
        report.ownProcessorTime = 4_900_000_000
        #expect(report.summary.contains("98 % busy: it may be what limits the rate"))
    }

    @Test("Without the server's process id its figures are left out")
    func unknownServer() throws {
        var report = echo()
        report.connectProcessorTime = nil
        report.processorTime = nil
        report.memoryAfter = nil
        let object = try object(report)
        for key in ["server_cpu_us_per_msg", "server_util", "server_cpu_us_per_connect", "rss_kib"] {
            #expect(object[key] == nil, "\(key)")
        }
        #expect(!report.summary.contains("server"))
    }

    @Test("Fan-out: subscribers and publishers are told apart")
    func fanOut() throws {
        var plan = LoadPlan(.fanOut, url: "ws://127.0.0.1/")
        plan.publishers = 2
        plan.kind = .text
        var report = LoadReport(plan: plan)
        report.opened = 1002
        report.published = 50
        let object = try object(report)
        #expect(object["mode"] as? String == "fanout")
        #expect(object["kind"] as? String == "text")
        let numbers = ["conns": 1000, "pubs": 2, "window": 1, "published": 50]
        for (key, number) in numbers { #expect(object[key] as? Int == number, "\(key)") }
        #expect(report.summary.hasPrefix("fan-out: 1,000 subscribers, 2 publishers, 64 B text, 1 in flight"))
    }

    @Test("Idle: memory for each connection that is held")
    func idleFigures() throws {
        let object = try object(idle())
        let numbers = [
            "conns": 10_000, "exchange": 1, "rss0_kib": 10_000, "rss_kib": 13_000, "bytes_per_conn_rss": 307,
            "bytes_per_conn_anonymous": 205, "hold_cpu_s": 0.002, "connect_per_s": 10_000,
        ]
        for (key, number) in numbers { #expect(object[key] as? Double == number, "\(key)") }
        #expect(
            idle().summary == """
                idle: 10,000 connections, one echo of 64 B binary each, held for 2 s
                  memory      205 B a connection of the server's own, 307 B resident
                  server      2.00 ms of processor time to hold them
                  handshakes  10,000/s
                  errors      none
                """)
    }

    @Test("Connect: the latency is that of the handshakes")
    func connect() throws {
        var report = LoadReport(plan: LoadPlan(.connect, url: "ws://127.0.0.1/"))
        report.opened = 1
        report.connectSeconds = 0.5
        report.latency = LatencySummary(p50: 1000, p90: 2000, p99: 3000, p999: 4000, max: 5000)
        #expect(
            report.summary == """
                connect: 1 connection opened and closed
                  handshake   p50 1.00 µs, p90 2.00 µs, p99 3.00 µs, p99.9 4.00 µs, max 5.00 µs
                  handshakes  2.0/s
                  errors      none
                """)
        #expect(try object(report)["max_us"] as? Double == 5)
    }

    @Test("A run in which nothing happened divides by nothing")
    func nothing() throws {
        let report = LoadReport(plan: LoadPlan(.echo, url: "ws://127.0.0.1/"))
        #expect(try object(report)["msgs_per_s"] as? Double == 0)
        #expect(!report.summary.contains("nan"))
    }
}
