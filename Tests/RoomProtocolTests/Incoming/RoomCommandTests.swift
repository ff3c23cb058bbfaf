import Channels
import Testing

@testable import RoomProtocol

@Suite("Commands", .timeLimit(.minutes(5)))
struct RoomCommandTests {
    private func command(_ text: String) -> RoomCommand { RoomCommand(Array(text.utf8).span.bytes) }

    private func join(
        _ name: String, _ extras: KeyValuePairs<String, String> = [:], resume: Resumption? = nil
    ) -> RoomCommand {
        .join(Profile(name: Array(name.utf8), attributes: attributes(extras)), resume: resume)
    }

    private func say(
        _ text: String, to addressee: RoomCommand.Addressee = .all, _ extras: KeyValuePairs<String, String> = [:]
    ) -> RoomCommand {
        .say(Array(text.utf8), to: addressee, attributes: attributes(extras))
    }

    private func attributes(_ extras: KeyValuePairs<String, String>) -> [Attribute] {
        extras.map { Attribute(key: Array($0.key.utf8), value: Array($0.value.utf8)) }
    }

    @Test("type=add joins under the name, raw or percent-encoded, with the other keys as extras")
    func joins() {
        #expect(command("type=add&ming=\u{5C0F}\u{660E}") == join("\u{5C0F}\u{660E}"))
        #expect(command("type=add&ming=%E5%B0%8F%E6%98%8E") == join("\u{5C0F}\u{660E}"))
        #expect(command("ming=anna+b&type=add") == join("anna b"))
        #expect(
            command("type=add&ming=anna&avatar=3.png&uid=7&expert&qqnum=1&me_id=x")
                == join("anna", ["avatar": "3.png", "uid": "7", "expert": "", "qqnum": "1", "me_id": "x"]))
    }

    @Test("resume without a value asks for the newest messages; without the key, a join asks for nothing")
    func resumesNewest() {
        #expect(command("type=add&ming=anna&resume=") == join("anna", resume: .newest))
        #expect(command("resume&type=add&ming=anna&avatar=3") == join("anna", ["avatar": "3"], resume: .newest))
        #expect(command("type=add&ming=anna") == join("anna", resume: nil))
    }

    @Test(
        "Words are taken without what is around them: tools that send a line send its end too",
        arguments: ["\n", "\r\n", "\r", " ", "\t", "%0A", "%0D%0A", "+", "%20 \n"])
    func surroundedWords(_ end: String) {
        let code = "abc0"
        #expect(command("nr=x&key=all\(end)") == say("x"))
        #expect(command("nr=x&key=\(end)all\(end)") == say("x"))
        #expect(command("nr=x&key=\(code)\(end)") == command("nr=x&key=\(code)"))
        #expect(command("nr=x&key=heartbeat\(end)") == .ignored)
        #expect(command("ming=anna&type=add\(end)") == join("anna"))
        #expect(command("type=add&ming=anna&resume=\(end)") == join("anna", resume: .newest))
        #expect(
            command("type=add&ming=anna&resume=aaaaaaaaaaaaa:1\(end)")
                == command("type=add&ming=anna&resume=aaaaaaaaaaaaa:1"))
        // What is said is what was written.
        #expect(command("key=all&nr=x\n") == say("x\n"))
        #expect(command("nr=x&key=a\(end)ll") == say("x", to: .nobody))
    }

    @Test("resume=EPOCH:OFFSET asks for what came after, encoded or not; of two the last one counts")
    func resumesAfter() {
        let position = Position(epoch: Epoch(rawValue: 0x0123_4567_89AB_CDEF), offset: 9_007_199_254_740_991)
        var text: [UInt8] = []
        position.append(to: &text)
        let plain = String(decoding: text, as: UTF8.self)
        let encoded = text.map { "%" + (String($0, radix: 16)) }.joined()
        for value in [plain, encoded, plain.replacing(":", with: "%3A")] {
            #expect(command("type=add&ming=anna&resume=x&resume=\(value)") == join("anna", resume: .after(position)))
        }
    }

    @Test(
        "A resume that is no position is one that no room has had (row 174 of the catalogue)",
        arguments: [
            "x", "aaaaaaaaaaaaa", "aaaaaaaaaaaaa:", ":1", "aaaaaaaaaaaaa:-1", "aaaaaaaaaaaaa:1.0", "aaaaaaaaaaaaa:1e3",
            "aaaaaaaaaaaaa:9007199254740992", "aaaaaaaaaaaaa:18446744073709551615", "zaaaaaaaaaaaa:1", "aaaaaaaaaaaa:1",
            "aaaaaaaaaaaaa:1:1", "AAAAAAAAAAAAA:1", "%00", String(repeating: "a", count: 100_000),
        ])
    func resumesNowhere(value: String) {
        #expect(command("type=add&ming=anna&resume=\(value)") == join("anna", resume: .after(nil)))
    }

    @Test("nr with key=all is said to everyone, with a code to one member; other keys are extras")
    func says() {
        let code = MemberCode()
        let text = String(decoding: code.text, as: UTF8.self)
        #expect(command("nr=hello+you&key=all") == say("hello you"))
        #expect(command("nr=psst&key=\(text)") == say("psst", to: .member(code)))
        #expect(
            command("nr=hello&key=all&qqnum=5&msgType=text") == say("hello", ["qqnum": "5", "msgType": "text"]))
    }

    @Test(
        "A key that is no code that a member can have names nobody",
        arguments: ["nr=x", "nr=x&key=", "nr=x&key=ALL", "nr=x&key=0", "nr=x&key=al%20l", "nr=x&key=false"])
    func nobody(text: String) {
        #expect(command(text) == say("x", to: .nobody))
    }

    @Test(
        "Any type but add is a say if nr is there, otherwise it is ignored",
        arguments: [
            ("type=login&nr=x&key=all", true), ("type=&nr=x&key=all", true), ("type=ADD&nr=x&key=all", true),
            ("type=login&ming=x", false), ("ming=x", false), ("type=ping", false), ("", false), ("hello", false),
            ("key=all", false), ("{\"type\":\"add\"}", false),
        ])
    func otherTypes(text: String, isSaid: Bool) {
        #expect(command(text) == (isSaid ? say("x") : .ignored))
    }

    @Test(
        "Empty messages and heartbeats are ignored",
        arguments: ["nr=&key=all", "nr&key=all", "nr=", "key=heartbeat", "nr=&key=heartbeat", "nr=x&key=heartbeat"])
    func ignored(text: String) {
        #expect(command(text) == .ignored)
    }

    @Test("A name of nothing, or of control characters only, is refused", arguments: ["", "%00%1F%7F", "%C2%85"])
    func nameMissing(name: String) {
        #expect(command("type=add&ming=\(name)") == .refused(.nameMissing))
        #expect(command("type=add") == .refused(.nameMissing))
    }

    @Test(
        "A name in which people see nothing is refused",
        arguments: [
            "+", "%20%20", "\u{200B}", "\u{200D}\u{FE0F}", "\u{3000}", "\u{3164}", "\u{202E}+", "\u{2028}", "\u{2800}",
        ])
    func nameInvisible(name: String) {
        #expect(command("type=add&ming=\(name)") == .refused(.nameInvisible))
    }

    @Test(
        "What turns the direction of text does not stand in a name or an extra, and is no name",
        arguments: [
            "\u{061C}", "\u{200E}", "\u{200F}", "\u{202A}", "\u{202B}", "\u{202C}", "\u{202D}", "\u{202E}", "\u{2066}",
            "\u{2067}", "\u{2068}", "\u{2069}",
        ])
    func directionControls(control: String) {
        #expect(command("type=add&ming=\(control)a\(control)b&q=\(control)c") == join("ab", ["q": "c"]))
        #expect(command("type=add&ming=\(control)") == .refused(.nameMissing))
    }

    @Test(
        "Invisible characters beside visible ones are part of a name",
        arguments: [
            "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}", "\u{2764}\u{FE0F}",
            "\u{0646}\u{0645}\u{06CC}\u{200C}\u{062E}",
            "\u{0628}", "\u{2013}", "\u{5927}\u{3000}\u{5385}",
        ])
    func partlyInvisible(name: String) {
        #expect(command("type=add&ming=\(name)") == join(name))
    }

    @Test("A name has at most 64 characters, as people count them before anything becomes an entity")
    func nameLength() {
        for character in ["a", "\u{5C0F}", "\u{1F600}", "<", "%26", "%26lt;", "\""] {
            let most = String(repeating: character, count: 64)
            if case .join = command("type=add&ming=\(most)") {} else { Issue.record("64 × \(character) refused") }
            #expect(command("type=add&ming=\(most)a") == .refused(.nameTooLong))
        }
        #expect(command("type=add&ming=\(String(repeating: "a", count: 64))%00") != .refused(.nameTooLong))
        // One character to the eye, but not in bytes.
        #expect(command("type=add&ming=e" + String(repeating: "\u{301}", count: 64)) == .refused(.nameTooLong))
    }

    @Test("Of a key given twice the last counts")
    func lastWins() {
        #expect(command("nr=a&key=x&nr=b&key=all&q=1&q=2") == say("b", ["q": "2"]))
        #expect(command("type=x&type=add&ming=a&ming=b") == join("b"))
        #expect(command("type=add&type=x&ming=a") == .ignored)
        #expect(command("nr=a&nr=&key=all") == .ignored)
    }

    @Test(
        "An extra never has the name of a member of the protocol, however it is written",
        arguments: [
            "type", "name", "code", "code1", "time", "users", "nrong", "msgid", "pos", "resume", "co%64e", "code%31",
        ])
    func reservedExtras(key: String) {
        #expect(command("nr=x&key=all&\(key)=evil") == say("x"))
        guard !key.hasPrefix("t") else { return }
        #expect(
            command("type=add&ming=x&\(key)=evil") == join("x", resume: key == "resume" ? .after(nil) : nil))
    }

    @Test("What would become such a name by mending is not taken", arguments: ["co%00de", "code%7F", "na%C2%80me"])
    func mendedExtras(key: String) {
        #expect(command("nr=x&key=all&\(key)=evil") == say("x"))
    }

    @Test(
        "Extras without a name, or with markup or bytes that are no UTF-8 in it, are dropped",
        arguments: ["=1", "%3Cb%3E=1", "<b>=1", "a\"=1", "a%26lt;=1", "%FF=1", "%00=1"])
    func impossibleExtras(pair: String) {
        #expect(command("nr=x&key=all&\(pair)") == say("x"))
    }

    @Test("The first eight extras count, and later ones with their names change them")
    func eightExtras() {
        let pairs = (0..<20).map { "e\($0)=\($0)" }.joined(separator: "&")
        #expect(
            command("nr=x&key=all&\(pairs)&e9=no&e7=yes")
                == say(
                    "x",
                    [
                        "e0": "0", "e1": "1", "e2": "2", "e3": "3", "e4": "4", "e5": "5", "e6": "6", "e7": "yes",
                    ]))
    }

    @Test("The name of an extra has at most 64 bytes", arguments: [(64, true), (65, false), (193, false)])
    func extraKeyLength(bytes: Int, isTaken: Bool) {
        let key = String(repeating: "k", count: bytes)
        let escaped = String(repeating: "%6B", count: bytes)
        for form in [key, escaped] {
            let expected = isTaken ? RoomCommand.say([120], to: .all, attributes: attributes([key: "v"])) : say("x")
            #expect(command("nr=x&key=all&\(form)=v") == expected)
        }
    }

    @Test("A long extra is cut at 256 bytes, never within a character or an entity")
    func longExtras() {
        func value(_ text: String) -> String? {
            guard case .say(_, _, let extras) = command("nr=x&key=all&e=\(text)") else { return nil }
            return extras.first.map { String(decoding: $0.value, as: UTF8.self) }
        }
        #expect(value(String(repeating: "a", count: 256)) == String(repeating: "a", count: 256))
        #expect(value(String(repeating: "a", count: 300)) == String(repeating: "a", count: 256))
        #expect(value(String(repeating: "\u{4F60}", count: 100)) == String(repeating: "\u{4F60}", count: 85))
        #expect(value(String(repeating: "\u{1F600}", count: 100)) == String(repeating: "\u{1F600}", count: 64))
        #expect(value(String(repeating: "<", count: 100)) == String(repeating: "\u{FF1C}", count: 85))
        #expect(value(String(repeating: "%26", count: 100)) == String(repeating: "&amp;", count: 50) + "\u{FF06}")
    }

    @Test("Names and extras are made safe, texts too")
    func madeSafe() {
        #expect(
            command("type=add&ming=<img src=x onerror=alert(1)>&avatar=\"><b>")
                == join("\u{FF1C}img src=x onerror=alert(1)\u{FF1E}", ["avatar": "\u{FF02}\u{FF1E}\u{FF1C}b\u{FF1E}"]))
        #expect(command("nr=<b>\"hi\"</b>&key=all") == say("&lt;b&gt;&quot;hi&quot;&lt;/b&gt;"))
    }

    @Test("A message of nothing but pairs is read in one go and keeps eight of them")
    func manyPairs() {
        let pairs = (0..<100_000).map { "k\($0)" }.joined(separator: "&")
        guard case .say(_, .all, let extras) = command("\(pairs)&nr=x&key=all") else {
            Issue.record("not said")
            return
        }
        #expect(extras.count == 8)
        #expect(command(String(repeating: "&", count: 1 << 20)) == .ignored)
        #expect(command(String(repeating: "%", count: 1 << 20)) == .ignored)
    }
}
