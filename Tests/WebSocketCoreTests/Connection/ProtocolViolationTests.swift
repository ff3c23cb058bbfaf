import Testing
import WebSocketCore

@Suite("RFC 6455 §7.4.1: the close code of every violation", .timeLimit(.minutes(5)))
struct ProtocolViolationTests {
    static let all: [(ProtocolViolation, CloseCode)] = [
        (.reservedBits, .protocolError), (.reservedOpcode, .protocolError),
        (.fragmentedControlFrame, .protocolError), (.controlFrameTooLong, .protocolError),
        (.maskExpected, .protocolError), (.maskUnexpected, .protocolError),
        (.lengthNotMinimal, .protocolError), (.lengthTooLarge, .protocolError),
        (.continuationWithoutStart, .protocolError), (.startInsideMessage, .protocolError),
        (.closePayloadTooShort, .protocolError), (.closeCodeInvalid, .protocolError),
        (.closeReasonInvalidUTF8, .invalidPayload), (.textInvalidUTF8, .invalidPayload),
        (.compressedDataInvalid, .invalidPayload), (.messageTooBig, .messageTooBig),
        (.tooManyFragments, .policyViolation), (.tooManyControlFrames, .policyViolation),
        (.rateExceeded, .policyViolation), (.assemblyTimeout, .policyViolation),
    ]

    @Test("A violation has its close code, and its words fit into a close frame (RFC 6455 §7.1.7, §7.4.1)")
    func closeCodes() {
        for (violation, code) in Self.all {
            #expect(violation.closeCode == code)
            let frame = CloseFrame(code: code, reason: violation.description)
            #expect(frame.code == code && frame.reason == violation.description)
        }
    }

    @Test("Every violation has words of its own")
    func words() {
        #expect(Set(Self.all.map { $0.0.description }).count == Self.all.count)
        #expect(Self.all.allSatisfy { !$0.0.description.isEmpty })
        #expect(Set(Self.all.map(\.0)).count == Self.all.count)
    }
}
