import Channels
import RoomProtocol
import Testing
import WebSocketCore

@Suite("The room's behaviour", .timeLimit(.minutes(5)))
struct RoomMemberTests {
    @Test("A joiner gets madd before anything else, with everyone who has joined; the others get add")
    func join() throws {
        let server = try TestServer()
        let (anna, annaCode) = try server.join("anna")
        let ben = server.connect(loop: 1)
        ben.send("type=add&ming=\u{5C0F}\u{660E}&avatar=3.png")
        server.drain()
        let welcome = try #require(try ben.take().first)
        #expect(welcome.kind == "madd")
        #expect(welcome["name"] == "\u{5C0F}\u{660E}")
        #expect(welcome["code1"] == "all")
        #expect(welcome["time"] == TestServer.time)
        #expect(welcome["avatar"] == "3.png")
        let benCode = try #require(welcome["code"])
        #expect(
            welcome.users == [
                ["code": annaCode, "name": "anna"],
                ["code": benCode, "name": "\u{5C0F}\u{660E}", "avatar": "3.png"],
            ])

        let added = try anna.take()
        #expect(added.map(\.kind) == ["add"])
        #expect(added.first?["code"] == benCode)
        #expect(added.first?["name"] == "\u{5C0F}\u{660E}")
        #expect(added.first?["avatar"] == "3.png")
        #expect(added.first?.users == nil)
    }

    @Test("What is said to all reaches everyone in the room, the sender included, as the same push")
    func sayToAll() throws {
        let server = try TestServer()
        let (anna, annaCode) = try server.join("anna")
        let (ben, _) = try server.join("ben", loop: 1, others: [anna])
        anna.send("nr=hello+%E4%BD%A0&key=all&msgType=text")
        server.drain()
        let texts = anna.takeTexts()
        #expect(texts.count == 1)
        #expect(ben.takeTexts() == texts)
        let push = try Push(try #require(texts.first))
        #expect(push["nrong"] == "hello \u{4F60}")
        #expect(push["code"] == annaCode)
        #expect(push["code1"] == "all")
        #expect(push["msgType"] == "text")
        #expect(Set(push.members.keys) == ["nrong", "code1", "code", "time", "msgid", "msgType"])
    }

    @Test("What is said to one reaches that one and the sender, and nobody else")
    func sayToOne() throws {
        let server = try TestServer()
        let (anna, annaCode) = try server.join("anna")
        let (ben, benCode) = try server.join("ben", loop: 1, others: [anna])
        let (cleo, _) = try server.join("cleo", others: [anna, ben])
        anna.send("nr=psst&key=\(benCode)")
        server.drain()
        let texts = anna.takeTexts()
        #expect(texts.count == 1)
        #expect(ben.takeTexts() == texts)
        #expect(cleo.takeTexts().isEmpty)
        let push = try Push(try #require(texts.first))
        #expect(push["nrong"] == "psst")
        #expect(push["code"] == annaCode)
        #expect(push["code1"] == benCode)
    }

    @Test("Only those who have joined get pushes or are listed, and nobody hears of the others' leaving")
    func onlyMembers() throws {
        let server = try TestServer()
        let (anna, _) = try server.join("anna")
        let visitor = server.connect()
        anna.send("nr=hello&key=all")
        let (ben, _) = try server.join("ben", others: [anna])
        server.drain()
        #expect(visitor.takeTexts().isEmpty)
        visitor.closed()
        server.drain()
        #expect(anna.takeTexts().isEmpty)
        #expect(ben.takeTexts().isEmpty)
        let late = server.connect()
        late.send("type=add&ming=late")
        server.drain()
        #expect(try late.take().first?.users?.map { $0["name"] } == ["anna", "ben", "late"])
    }

    @Test("Saying something before joining is an error to the sender; nobody else hears of it, and joining still works")
    func sayBeforeJoining() throws {
        let server = try TestServer()
        let (anna, annaCode) = try server.join("anna")
        let visitor = server.connect(loop: 1)
        for text in ["nr=hello&key=all", "nr=psst&key=\(annaCode)", "nr=x&key=nobody"] {
            visitor.send(text)
            server.drain()
            let pushes = try visitor.take()
            #expect(pushes.map(\.isError) == [true])
            #expect(pushes.first?["nrong"] == RoomError.notJoined.text)
            #expect(anna.takeTexts().isEmpty)
        }
        visitor.send("type=add&ming=ben")
        server.drain()
        #expect(try visitor.take().map(\.kind) == ["madd"])
        #expect(try anna.take().map(\.kind) == ["add"])
    }

    @Test("A message to a code that is not in the room is an error to the sender, and no echo")
    func unknownCode() throws {
        let server = try TestServer()
        let (anna, _) = try server.join("anna")
        let (ben, benCode) = try server.join("ben", loop: 1, others: [anna])
        let elsewhere = server.connect(room: try TestServer.room("other"))
        elsewhere.send("type=add&ming=cleo")
        server.drain()
        let elsewhereCode = try #require(try elsewhere.take().first?["code"])
        ben.closed()
        server.drain()
        _ = anna.takeTexts()
        for key in [benCode, elsewhereCode, "nobody", "", "aaaaaaaaaaaaaaaaaaaaaaaa"] {
            anna.send("nr=psst&key=\(key)")
            server.drain()
            let pushes = try anna.take()
            #expect(pushes.map(\.isError) == [true])
            #expect(pushes.first?["nrong"] == RoomError.unknownAddressee.text)
            #expect(elsewhere.takeTexts().isEmpty)
        }
    }

    @Test("A message to oneself is an error to the sender")
    func toOneself() throws {
        let server = try TestServer()
        let (anna, annaCode) = try server.join("anna")
        let (ben, _) = try server.join("ben", others: [anna])
        anna.send("nr=psst&key=\(annaCode)")
        server.drain()
        let pushes = try anna.take()
        #expect(pushes.map(\.isError) == [true])
        #expect(pushes.first?["nrong"] == RoomError.toOneself.text)
        #expect(ben.takeTexts().isEmpty)
    }

    @Test("Empty messages, heartbeats and what other servers understand are ignored, before joining and after")
    func ignored() throws {
        let server = try TestServer()
        let (anna, _) = try server.join("anna")
        let visitor = server.connect()
        for connection in [anna, visitor] {
            for text in ["", "nr=&key=all", "key=heartbeat", "nr=x&key=heartbeat", "type=ping", "{}", "&&&"] {
                connection.send(text)
            }
        }
        server.drain()
        #expect(anna.takeTexts().isEmpty)
        #expect(visitor.takeTexts().isEmpty)
    }

    @Test("A second add renames: the code stays, the others get rmove then add, the sender madd")
    func rename() throws {
        let server = try TestServer()
        let (anna, annaCode) = try server.join("anna")
        let (ben, benCode) = try server.join("ben", loop: 1, others: [anna])
        anna.send("type=add&ming=anne&avatar=9.png")
        server.drain()
        let own = try anna.take()
        #expect(own.map(\.kind) == ["madd"])
        #expect(own.first?["code"] == annaCode)
        #expect(
            own.first?.users == [
                ["code": annaCode, "name": "anne", "avatar": "9.png"], ["code": benCode, "name": "ben"],
            ])
        let others = try ben.take()
        #expect(others.map(\.kind) == ["rmove", "add"])
        #expect(others.first?["nrong"] == annaCode)
        #expect(others.last?["code"] == annaCode)
        #expect(others.last?["name"] == "anne")
    }

    @Test("A name that is empty or too long is an error, the first time and when renaming; a good one works then")
    func badNames() throws {
        let server = try TestServer()
        let (ben, _) = try server.join("ben", loop: 1)
        let anna = server.connect()
        for _ in 0..<2 {
            for (name, error) in [("", RoomError.nameMissing), (String(repeating: "a", count: 65), .nameTooLong)] {
                anna.send("type=add&ming=\(name)")
                server.drain()
                let pushes = try anna.take()
                #expect(pushes.map(\.isError) == [true])
                #expect(pushes.first?["nrong"] == error.text)
                #expect(ben.takeTexts().isEmpty)
            }
            anna.send("type=add&ming=anna")
            server.drain()
            #expect(try anna.take().map(\.kind) == ["madd"])
            _ = ben.takeTexts()
        }
    }

    @Test("A dropped connection is removed and everybody is told exactly once, however often it is closed")
    func dropped() throws {
        let server = try TestServer()
        let (anna, annaCode) = try server.join("anna")
        let (ben, _) = try server.join("ben", loop: 1, others: [anna])
        anna.closed()
        anna.closed()
        anna.send("nr=ghost&key=all")
        anna.send("type=add&ming=ghost")
        anna.exceededMessageRate()
        ben.send("nr=alone&key=all")
        server.drain()
        anna.closed()
        server.drain()
        let pushes = try ben.take()
        #expect(pushes.map(\.kind) == ["rmove", "said"])
        #expect(pushes.first?["nrong"] == annaCode)
        #expect(pushes.first?["code1"] == "all")
        #expect(pushes.first?.members["code"] as? Bool == false)
        #expect(anna.takeTexts().isEmpty)
    }

    @Test("--room-left remove tells so in the words of other pages")
    func leftAsRemove() throws {
        var options = RoomOptions()
        options.leftType = .remove
        let server = try TestServer(options)
        let (anna, _) = try server.join("anna")
        let (ben, _) = try server.join("ben", others: [anna])
        ben.closed()
        server.drain()
        #expect(try anna.take().map(\.kind) == ["remove"])
    }

    @Test("An error after joining comes after the madd")
    func errorAfterWelcome() throws {
        let server = try TestServer()
        let anna = server.connect()
        anna.send("type=add&ming=anna")
        anna.send("nr=x&key=nobody")
        server.drain()
        #expect(try anna.take().map(\.kind) == ["madd", "error"])
    }

    @Test("Who sends too many messages for too long hears of it before the close, which does not wait for the room")
    func lastWord() throws {
        let server = try TestServer()
        let (anna, _) = try server.join("anna")
        anna.exceededMessageRate()
        let pushes = try anna.take()
        #expect(pushes.first?["nrong"] == RoomError.tooManyMessages.text)
    }

    @Test("A full room is an error to the joiner, who may try again when somebody has left")
    func roomFull() throws {
        var options = RoomOptions()
        options.maximumMembers = 2
        let server = try TestServer(options)
        let (anna, _) = try server.join("anna")
        let (ben, _) = try server.join("ben", others: [anna])
        let cleo = server.connect(loop: 1)
        cleo.send("type=add&ming=cleo")
        server.drain()
        let refusal = try cleo.take()
        #expect(refusal.map(\.isError) == [true])
        #expect(refusal.first?["nrong"] == RoomError.roomFull.text)
        #expect(anna.takeTexts().isEmpty)
        // Whoever is in may still change the name.
        anna.send("type=add&ming=anne")
        ben.closed()
        server.drain()
        #expect(try anna.take().map(\.kind) == ["madd", "rmove"])
        cleo.send("type=add&ming=cleo")
        server.drain()
        #expect(try cleo.take().map(\.kind) == ["madd"])
    }

    @Test("One address has nine in ten of a room's members at most; the rest is for others, and what leaves makes room")
    func addressFull() throws {
        var options = RoomOptions()
        options.maximumMembers = 20
        let server = try TestServer(options)
        let (one, other) = (AddressBlock.version4(1), AddressBlock.version6(1))
        func join(_ address: AddressBlock?, room: ChannelName? = nil) throws -> (Connection, String?) {
            let connection = server.connect(room: room, from: address)
            connection.send("type=add&ming=x")
            server.drain()
            let first = try connection.take().first
            return (connection, first?.isError == true ? first?["nrong"] : nil)
        }
        let crowd = try (0..<18).map { _ in try join(one) }
        #expect(crowd.allSatisfy { $0.1 == nil })
        #expect(try join(one).1 == RoomError.addressFull.text)
        #expect(try join(one, room: TestServer.room("elsewhere")).1 == nil)
        #expect(try join(other).1 == nil)
        // Where no address is counted, the room alone counts; whoever is refused by it has taken nothing of a share.
        #expect(try join(nil).1 == nil)
        #expect(try join(other).1 == RoomError.roomFull.text)
        // A change of name is no member more.
        crowd[0].0.send("type=add&ming=y")
        server.drain()
        #expect(try crowd[0].0.take().contains { $0.kind == "madd" })
        for (connection, _) in crowd.prefix(2) {
            connection.closed()
            connection.closed()
        }
        server.drain()
        #expect(try (0..<3).map { _ in try join(one).1 } == [nil, nil, RoomError.addressFull.text])
    }

    @Test("A room of fewer than ten members has no share of an address: it is full when it is")
    func addressOfSmallRoom() throws {
        var options = RoomOptions()
        options.maximumMembers = 9
        let server = try TestServer(options)
        let crowd = (0..<10).map { _ in server.connect(from: .version4(1)) }
        for connection in crowd { connection.send("type=add&ming=x") }
        server.drain()
        #expect(try crowd[..<9].allSatisfy { try $0.take().first?.kind == "madd" })
        #expect(try crowd[9].take().first?["nrong"] == RoomError.roomFull.text)
    }

    @Test("What the engine does not keep is an error to its sender, who may send it again; nobody else hears of it")
    func notKept() throws {
        let server = try TestServer()
        let (anna, _) = try server.join("anna")
        let (ben, benCode) = try server.join("ben", loop: 1, others: [anna])
        for (failure, error) in [(EngineError.unavailable, RoomError.unanswered), (.overloaded, .notKept)] {
            server.engine.failPublishes(with: failure)
            anna.send("nr=hello&key=all")
            server.drain()
            let pushes = try anna.take()
            #expect(pushes.map(\.isError) == [true])
            #expect(pushes.first?["nrong"] == error.text)
            #expect(ben.takeTexts().isEmpty)
        }
        // What is private does not need the engine.
        anna.send("nr=psst&key=\(benCode)")
        server.drain()
        #expect(try ben.take().map { $0["nrong"] } == ["psst"])
        server.engine.failPublishes(with: nil)
        anna.send("nr=hello&key=all")
        server.drain()
        #expect(try ben.take().map { $0["nrong"] } == ["hello"])
    }

    @Test("An answer of the engine that comes when its sender has left is nobody's business")
    func notKeptTooLate() throws {
        let server = try TestServer()
        let (anna, _) = try server.join("anna")
        server.engine.failPublishes(with: .unavailable)
        anna.send("nr=hello&key=all")
        anna.closed()
        server.drain()
        #expect(anna.takeTexts().isEmpty)
    }

    @Test("What is said to all is published in the room's channel with its sender's name; what is private never is")
    func publications() throws {
        let server = try TestServer()
        let (anna, _) = try server.join("<anna>")
        let (ben, benCode) = try server.join("ben", loop: 1, others: [anna])
        anna.send("nr=hello&key=all")
        anna.send("nr=psst&key=\(benCode)")
        anna.send("nr=oops&key=nobody")
        anna.send("type=add&ming=anne")
        anna.send("nr=again&key=all")
        server.drain()
        let entries = server.engine.published.flatMap(\.entries)
        let said = ben.takeTexts().filter { $0.contains(#""code1":"all""#) && $0.contains("nrong\":\"") }
        #expect(server.engine.published.map(\.namespace) == [Rooms.namespace, Rooms.namespace])
        #expect(
            entries.map { ChannelAddress(namespace: Rooms.namespace, name: $0.channel) } == [
                server.address, server.address,
            ])
        #expect(
            entries.map { String(decoding: $0.publication.data, as: UTF8.self) }
                == said.filter { !$0.contains("rmove") })
        #expect(
            entries.map { $0.publication.sender.map { String(decoding: $0, as: UTF8.self) } } == [
                "\u{FF1C}anna\u{FF1E}", "anne",
            ])
        #expect(entries.allSatisfy { $0.retention == RoomOptions().retention && $0.publication.event.isEmpty })
    }

    @Test("By default a room has 1,000 members and a text makes at most 4 MiB")
    func defaults() {
        #expect(RoomOptions().maximumMembers == 1_000)
        #expect(RoomOptions().maximumSaidBytes == 4_194_304)
        #expect(RoomOptions().leftType.rawValue == "rmove")
        #expect(
            RoomOptions().retention == Retention(publications: 100, milliseconds: 86_400_000, bytes: 8_388_608))
        #expect(RoomMember.closeCodeForBinary == 1003)
        #expect(RoomMember.closeCodeForRecovery == 1013)
    }

    @Test("Too many messages are an error to the one who sends them")
    func messageRate() throws {
        let server = try TestServer()
        let visitor = server.connect()
        visitor.exceededMessageRate()
        let pushes = try visitor.take()
        #expect(pushes.map(\.isError) == [true])
        #expect(pushes.first?["nrong"] == RoomError.tooManyMessages.text)
    }

    @Test("A text that escaping makes longer than readers may have pending is refused to its sender")
    func messageTooLong() throws {
        let server = try TestServer()
        let (anna, _) = try server.join("anna")
        let (ben, _) = try server.join("ben", others: [anna])
        // One MiB of "<" would be nine.
        anna.send("nr=\(String(repeating: "<", count: 1 << 20))&key=all")
        server.drain()
        #expect(try anna.take().map(\.isError) == [true])
        #expect(ben.takeTexts().isEmpty)
        // A picture as large as pages send them, and a MiB of Chinese, are not.
        let chinese = String(repeating: "\u{4F60}", count: 349_000)
        for text in [String(repeating: "iVBORw0KGgo", count: 64_000), chinese] {
            anna.send("nr=\(text)&key=all")
            server.drain()
            #expect(try ben.take().first?["nrong"] == text)
        }
    }

    @Test("Rooms don't see each other")
    func rooms() throws {
        let server = try TestServer()
        let (anna, annaCode) = try server.join("anna")
        let ben = server.connect(room: try TestServer.room("other"))
        ben.send("type=add&ming=ben")
        ben.send("nr=hello&key=all")
        ben.send("nr=psst&key=\(annaCode)")
        ben.closed()
        #expect(server.rooms.count == 1)
        server.drain()
        #expect(anna.takeTexts().isEmpty)
    }

    @Test("Names, extras and texts that would run in a page reach it harmless, and eval sees one object")
    func harmless() throws {
        let server = try TestServer()
        let (anna, _) = try server.join("anna")
        let mallory = server.connect()
        let markup = "<img src=x onerror=alert(1)>"
        mallory.send("type=add&ming=\(markup)&avatar=\"onload=\"alert(1)")
        mallory.send("nr=\(markup)\u{2028}\\\";alert(1)//&key=all&qqnum=\(markup)")
        server.drain()
        let texts = anna.takeTexts()
        #expect(texts.count == 2)
        for text in texts {
            #expect(text.utf8.allSatisfy { (0x20...0x7E).contains($0) && !"<>&'".utf8.contains($0) })
        }
        let safe = "&lt;img src=x onerror=alert(1)&gt;"
        let pushes = try texts.map(Push.init)
        let name = "\u{FF1C}img src=x onerror=alert(1)\u{FF1E}"
        #expect(pushes.first?["name"] == name)
        #expect(pushes.first?["avatar"] == "\u{FF02}onload=\u{FF02}alert(1)")
        #expect(pushes.last?["nrong"] == safe + "\u{2028}\\&quot;;alert(1)//")
        #expect(pushes.last?["qqnum"] == name)
    }

    @Test("A code is safe unencoded in key=, in element ids and in loose comparisons")
    func codes() throws {
        let server = try TestServer()
        var codes: Set<String> = []
        var connections: [Connection] = []
        for number in 0..<50 {
            let (connection, code) = try server.join("\(number)")
            connections.append(connection)
            #expect(try #/[a-z][a-z0-9]*/#.wholeMatch(in: code) != nil)
            #expect(code != "all")
            codes.insert(code)
            connection.closed()
        }
        #expect(codes.count == 50)
    }

    @Test("A connection cut off while something is delivered to it leaves once, and the others get everything")
    func cutDuringDelivery() throws {
        let server = try TestServer()
        let (anna, annaCode) = try server.join("anna")
        let (ben, _) = try server.join("ben", others: [anna])
        anna.onDelivery = { [unowned anna] in anna.closed() }
        ben.send("nr=one&key=all")
        ben.send("nr=two&key=all")
        server.drain()
        server.drain()
        #expect(anna.takeTexts().count == 1)
        let pushes = try ben.take()
        #expect(pushes.map(\.kind) == ["said", "said", "rmove"])
        #expect(pushes.last?["nrong"] == annaCode)
    }

    @Test("A closed connection is freed, whether it had joined or not")
    func freed() throws {
        let server = try TestServer()
        weak var member: Connection?
        weak var visitor: Connection?
        do {
            let (joined, _) = try server.join("anna")
            let connected = server.connect()
            (member, visitor) = (joined, connected)
            joined.closed()
            connected.closed()
        }
        server.drain()
        #expect(member == nil)
        #expect(visitor == nil)
        #expect(server.rooms.count == 0)
    }

    @Test("Every error is a short sentence or two of plain ASCII that needs no escaping")
    func errorTexts() {
        let errors: [RoomError] = [
            .nameMissing, .nameTooLong, .nameInvisible, .notJoined, .roomFull, .addressFull, .unknownAddressee,
            .toOneself, .messageTooLong, .tooManyMessages, .notKept, .unanswered, .roomUnreachable,
        ]
        #expect(Set(errors.map(\.text)).count == errors.count)
        for error in errors {
            #expect(error.text.utf8.allSatisfy { (0x20...0x7E).contains($0) && !"<>&'\"\\".utf8.contains($0) })
            #expect(error.text.hasSuffix("."))
            #expect(error.text.count <= 80)
        }
    }
}
