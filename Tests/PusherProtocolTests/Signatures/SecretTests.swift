import Foundation
import PusherProtocol
import Testing

@Suite("Secrets", .timeLimit(.minutes(5)))
struct SecretTests {
    private static let text = "7ad3773142a6692b25b8"

    /// Every way in which Swift turns a value into text.
    private func shown(_ value: some Any) -> String {
        var text = "\(value) \(String(describing: value)) \(String(reflecting: value)) "
        dump(value, to: &text)
        debugPrint(value, to: &text)
        print(value, Mirror(reflecting: value).children.map { "\($0)" }, to: &text)
        return text
    }

    @Test("A secret shows in no text that Swift makes of it, or of what contains it")
    func redaction() {
        let secret = Secret(Self.text)
        var app = PusherApp(id: "1", name: "first", keys: [PusherKey(key: "key", secret: secret)])
        app.isEnabled = true
        #expect(!shown(secret).contains(Self.text))
        #expect(!shown(app.keys).contains(Self.text))
        #expect(!shown(app).contains(Self.text) && shown(app).contains("key"))
        #expect(!shown([Optional(app)]).contains(Self.text))
        #expect(!shown(["app": app]).contains(Self.text))
        #expect("\(secret)" == "<secret>")
        #expect(!((secret as Any) is any Encodable), "nothing encodes it")
    }

    @Test("A secret is compared and revealed as it was given")
    func text() {
        #expect(Secret(Self.text).revealed == Self.text)
        #expect(Secret(Self.text) == Secret(Self.text) && Secret("a") != Secret("b"))
        let literal: Secret = "number \(7)"
        #expect(literal.revealed == "number 7")
    }

    @Test("A request to the API shows neither its query nor its body")
    func request() {
        let request = PusherAPIRequest(
            method: "POST", path: "/apps/1/events", query: "auth_signature=\(Self.text)", body: Array(Self.text.utf8))
        #expect(!shown(request).contains(Self.text) && "\(request)" == "POST /apps/1/events")
    }
}
