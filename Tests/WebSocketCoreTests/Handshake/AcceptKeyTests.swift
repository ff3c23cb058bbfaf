import Testing
import WebSocketCore

@Suite("Accept value (RFC 6455 §4.2.2)", .timeLimit(.minutes(5)))
struct AcceptKeyTests {
    @Test(
        "Known keys give the known values",
        arguments: [
            ("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ("x3JJHMbDL1EzLkh9GBhXDw==", "HSmrc0sMlYUkAGmm5OPpG2HaGWk="),
        ]
    )
    func vectors(key: String, accept: String) {
        #expect(AcceptKey.accept(for: key) == accept)
    }
}
