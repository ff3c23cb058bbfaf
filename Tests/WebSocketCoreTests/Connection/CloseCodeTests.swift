import Testing
import WebSocketCore

@Suite("RFC 6455 §7.4: close codes", .timeLimit(.minutes(5)))
struct CloseCodeTests {
    @Test("The codes that a close frame may carry are those of the registry (RFC 6455 §7.4; Autobahn 7.7, 7.9)")
    func mayAppearOnWire() {
        let defined: Set<UInt16> = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014]
        for number in UInt16.min...UInt16.max {
            let expected = defined.contains(number) || (number >= 3000 && number <= 4999)
            if CloseCode(rawValue: number).mayAppearOnWire != expected { Issue.record("\(number)") }
        }
    }

    @Test(
        "A number of any origin becomes a code that may be sent (RFC 6455 §7.4)",
        arguments: [
            (1000, 1000), (1014, 1014), (3000, 3000), (4999, 4999),
            (-1, 1011), (0, 1011), (999, 1011), (1004, 1011), (1005, 1011), (1006, 1011), (1015, 1011), (1016, 1011),
            (2999, 1011), (5000, 1011), (65_535, 1011), (65_536, 1011), (66_536, 1011), (70_000, 1011),
            (.min, 1011), (.max, 1011),
        ] as [(Int, UInt16)])
    func sendable(_ number: Int, _ expected: UInt16) {
        #expect(CloseCode(sendable: number).rawValue == expected)
    }

    @Test("The names stand for the numbers of the registry (RFC 6455 §7.4.1)")
    func names() {
        let named: [(CloseCode, UInt16)] = [
            (.normal, 1000), (.goingAway, 1001), (.protocolError, 1002), (.unsupportedData, 1003),
            (.noStatusReceived, 1005), (.abnormalClosure, 1006), (.invalidPayload, 1007), (.policyViolation, 1008),
            (.messageTooBig, 1009), (.mandatoryExtension, 1010), (.internalError, 1011), (.serviceRestart, 1012),
            (.tryAgainLater, 1013), (.badGateway, 1014),
        ]
        for (code, number) in named { #expect(code.rawValue == number) }
    }
}
