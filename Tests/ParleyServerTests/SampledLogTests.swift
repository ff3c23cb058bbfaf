import Logging
import Testing
import WebSocketCore

@testable import ParleyServer

@Suite("Logs of what others can make happen", .timeLimit(.minutes(5)))
struct SampledLogTests {
    private let recorder = LogRecorder(.info)
    private var logger: Logger { recorder.logger }

    private var told: [String] { recorder.all.map { $0.metadata["reason"] ?? "" } }

    @Test("One reason gets so many lines a second, and hides no other")
    func sampling() {
        let log = SampledLog("happened", logger)
        for _ in 0..<1_000 { log.report(reason: "often") }
        log.report(reason: "seldom")
        #expect(told.count { $0 == "often" } == SampledLog.linesPerReason)
        #expect(told.count { $0 == "seldom" } == 1)
    }

    @Test("However many reasons there are, the lines and what is kept for them are bounded")
    func reasons() async throws {
        let log = SampledLog("happened", logger)
        for number in 0..<10_000 { log.report(reason: "reason \(number)") }
        #expect(told.count == SampledLog.linesPerSecond)
        while told.count == SampledLog.linesPerSecond { try await Task.sleep(for: .milliseconds(20)) }
        #expect(told.count <= SampledLog.linesPerSecond + SampledLog.maximumReasons + 1)
        let omitted = recorder.all.compactMap {
            $0.metadata["omitted"]?.split(separator: " ").first.flatMap { Int($0) }
        }
        #expect(omitted.reduce(0, +) == 10_000 - SampledLog.linesPerSecond)
        let before = told.count
        log.report(reason: "a new second")
        #expect(told.count == before + 1)
    }

    @Test("What is below the log's level costs no line of the others")
    func levels() {
        let log = SampledLog("happened", logger)
        for _ in 0..<1_000 { log.report(.debug, reason: "quiet") }
        log.report(.info, reason: "loud")
        #expect(told == ["loud"])
    }

    @Test(
        "What peers send can neither end a line nor its quotation marks",
        arguments: [
            ("a\r\nb", "a\\u{d}\\u{a}b"), ("\u{1B}[2J", "\\u{1b}[2J"), ("\"\\", "\\\"\\\\"),
            ("\u{2028}é", "\\u{2028}\\u{e9}"),
            (String(repeating: "x", count: 400), String(repeating: "x", count: LogText.maximumScalars) + "..."),
        ])
    func escaping(text: String, shown: String) {
        #expect(LogText.escaped(text) == shown)
        let refusals = RefusalLog(logger)
        refusals.report(Refusal(.status(403), reason: "no", detail: text, peer: text))
        let metadata = recorder.all.last?.metadata ?? [:]
        #expect(metadata["sent"]?.description == "\"\(shown)\"" && metadata["peer"]?.description == shown)
        #expect(metadata["reason"]?.description == "HTTP 403: no")
    }

    @Test(
        "What an operator has to put right is told at the default level, scans of strangers are not",
        arguments: [
            (Refusal.Answer.status(401), Logger.Level.notice), (.status(403), .notice), (.status(503), .warning),
            (.close(.unsupportedData), .notice), (.close(CloseCode(rawValue: 4001)), .notice), (.error(401), .notice),
            (.status(404), .info), (.status(400), .info),
        ])
    func level(answer: Refusal.Answer, level: Logger.Level) {
        RefusalLog(logger).report(Refusal(answer, reason: "why", peer: ""))
        #expect(recorder.all.map(\.level) == [level])
    }
}
