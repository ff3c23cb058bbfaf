import Channels
import RoomProtocol
import Testing

@Suite("Pages that ask for what they missed", .timeLimit(.minutes(5)))
struct RoomResumeTests {
    private static func said(_ connection: Connection, _ texts: [String]) {
        for text in texts { connection.send("nr=\(text)&key=all") }
    }

    /// The texts of the pushes that say something, in their order.
    private static func texts(_ pushes: [Push]) -> [String?] { pushes.filter { $0.kind == "said" }.map { $0["nrong"] } }

    /// Where a page stands that has read these pushes: the last `pos` that came.
    private static func position(_ pushes: [Push]) -> String? { pushes.compactMap { $0["pos"] }.last }

    @Test(
        "resume= empty: madd, the answer, then what was said, with positions and the senders' names, then what is new")
    func newest() throws {
        let server = try TestServer()
        let (anna, annaCode) = try server.join("anna")
        Self.said(anna, ["one", "two"])
        anna.closed()
        server.drain()
        let ben = server.connect(loop: 1)
        ben.send("type=add&ming=ben&resume=")
        ben.send("nr=three&key=all")
        server.drain()
        server.drain()
        let pushes = try ben.take()
        #expect(pushes.map(\.kind) == ["madd", "resume", "said", "said", "said"])
        #expect(Self.texts(pushes) == ["one", "two", "three"])
        #expect(pushes[1].isRecovered == true)
        #expect(pushes[1].missed == 2)
        #expect(pushes[1].gap == nil)
        #expect(pushes[2...].map { $0["name"] } == ["anna", "anna", nil])
        #expect(pushes[2...3].map { $0["code"] } == [annaCode, annaCode])
        let positions = pushes[1...].compactMap { $0["pos"]?.split(separator: ":").map(String.init) }
        #expect(Set(positions.map(\.first)).count == 1)
        #expect(positions.map(\.last) == ["0", "1", "2", "3"])
    }

    @Test("A missed push is the one that was said, msgid, time and extras included")
    func samePush() throws {
        let server = try TestServer()
        let (anna, _) = try server.join("anna")
        anna.send("nr=hello&key=all&cid=7")
        server.drain()
        let live = try #require(anna.takeTexts().first)
        let (ben, _) = try server.join("ben", resume: "")
        _ = ben.takeTexts()
        let cleo = server.connect()
        cleo.send("type=add&ming=cleo&resume=")
        server.drain()
        let missed = try #require(cleo.takeTexts().last)
        #expect(missed.hasPrefix(live.dropLast()))
        #expect(missed.dropFirst(live.count - 1).hasPrefix(#","pos":""#))
        #expect(missed.hasSuffix(#","name":"anna"}"#))
    }

    @Test("Of more than 50 messages the newest 50 come, and the answer says where they begin")
    func fifty() throws {
        let server = try TestServer()
        let (anna, _) = try server.join("anna")
        Self.said(anna, (1...60).map(String.init))
        let ben = server.connect(loop: 1)
        ben.send("type=add&ming=ben&resume=")
        server.drain()
        let pushes = try ben.take()
        #expect(Self.texts(pushes) == (11...60).map(String.init))
        #expect(pushes[1].missed == 50)
        #expect(pushes[1]["pos"]?.hasSuffix(":10") == true)
    }

    @Test("In a room where nothing was said yet, the answer names its beginning")
    func nothingYet() throws {
        let server = try TestServer()
        let anna = server.connect()
        anna.send("type=add&ming=anna&resume=")
        server.drain()
        let pushes = try anna.take()
        #expect(pushes.map(\.kind) == ["madd", "resume"])
        #expect(pushes[1].isRecovered == true)
        #expect(pushes[1].missed == 0)
        #expect(pushes[1]["pos"]?.hasSuffix(":0") == true)
        #expect(pushes[1]["code"] == "0")
        #expect(pushes[1]["code1"] == "all")
        #expect(pushes[1]["time"] == TestServer.time)
    }

    @Test("resume=EPOCH:OFFSET: exactly what was missed, in order, once, wherever the page was cut off")
    func after() throws {
        let server = try TestServer()
        let (anna, _) = try server.join("anna")
        let (ben, _) = try server.join("ben", loop: 1, resume: "", others: [anna])
        var positions = [try #require(Self.position(try ben.take()) ?? Self.firstPosition(server))]
        Self.said(anna, (1...9).map(String.init))
        server.drain()
        positions += try ben.take().compactMap { $0["pos"] }
        ben.closed()
        #expect(positions.count == 10)
        for (count, position) in positions.enumerated() {
            let again = server.connect(loop: count % 2)
            again.send("type=add&ming=ben&resume=\(position)")
            server.drain()
            let pushes = try again.take()
            #expect(pushes[1].isRecovered == true)
            #expect(pushes[1]["pos"] == position)
            #expect(pushes[1].missed == 9 - count)
            #expect(Self.texts(pushes) == (0..<9).dropFirst(count).map { String($0 + 1) })
            #expect(pushes.filter { $0.kind == "said" }.allSatisfy { $0["name"] == "anna" })
            again.closed()
        }
    }

    /// The position that a page gets that comes now.
    private static func firstPosition(_ server: TestServer) throws -> String? {
        let visitor = server.connect()
        visitor.send("type=add&ming=visitor&resume=")
        server.drain()
        defer { visitor.closed() }
        return position(try visitor.take().filter { $0.kind == "resume" })
    }

    @Test("Whoever keeps the last pos that came is complete, also when it is cut off in the middle of what was missed")
    func cutDuringReplay() throws {
        let server = try TestServer()
        let (anna, _) = try server.join("anna")
        Self.said(anna, (1...9).map(String.init))
        server.drain()
        for cut in 1...11 {
            var heard: [Push] = []
            var resume = ""
            // Cut off after so many pushes, then until nothing is missing.
            for limit in [cut, .max] {
                let ben = server.connect(loop: cut % 2)
                ben.send("type=add&ming=ben&resume=\(resume)")
                server.drain()
                heard += try ben.take().prefix(limit)
                resume = Self.position(heard) ?? ""
                ben.closed()
            }
            #expect(Self.texts(heard) == (1...9).map(String.init))
        }
    }

    @Test("What is not kept any more is a gap, told before what is new, and the page goes on from the answer's pos")
    func gap() throws {
        var options = RoomOptions()
        options.retention.publications = 3
        let server = try TestServer(options)
        let (anna, _) = try server.join("anna")
        let start = try #require(try Self.firstPosition(server))
        Self.said(anna, ["1", "2", "3", "4", "5"])
        let ben = server.connect(loop: 1)
        ben.send("type=add&ming=ben&resume=\(start)")
        server.drain()
        Self.said(anna, ["6"])
        server.drain()
        let pushes = try ben.take()
        #expect(pushes.map(\.kind) == ["madd", "resume", "said"])
        #expect(pushes[1].isRecovered == false)
        #expect(pushes[1].gap == ["from": 1, "to": 5, "oldest": 3])
        #expect(pushes[1].missed == 0)
        #expect(pushes[1]["pos"]?.hasSuffix(":5") == true)
        #expect(pushes[2]["pos"]?.hasSuffix(":6") == true)
        #expect(Self.texts(pushes) == ["6"])
    }

    @Test("A position of another log, or none at all, is told as such: no gap that could be named")
    func otherLog() throws {
        let server = try TestServer()
        let (anna, _) = try server.join("anna")
        Self.said(anna, ["1", "2"])
        let known = try #require(try Self.firstPosition(server)).prefix(Epoch.textBytes)
        for resume in ["nonsense", "aaaaaaaaaaaaa:1", "\(known):3", "\(known):9007199254740991"] {
            let ben = server.connect(loop: 1)
            ben.send("type=add&ming=ben&resume=\(resume)")
            server.drain()
            let pushes = try ben.take()
            #expect(pushes.map(\.kind) == ["madd", "resume"])
            #expect(pushes[1].isRecovered == false)
            #expect(pushes[1].gap == nil)
            #expect(pushes[1]["pos"] == "\(known):2")
            ben.closed()
        }
    }

    @Test("When the log is lost while a page is there, it is told so between what came before and after")
    func logLost() throws {
        let server = try TestServer()
        let (anna, _) = try server.join("anna")
        let (ben, _) = try server.join("ben", loop: 1, resume: "", others: [anna])
        let plain = try server.join("plain", others: [anna, ben]).0
        Self.said(anna, ["before"])
        server.drain()
        let before = try ben.take().filter { $0.kind != "resume" }
        server.engine.restart()
        server.drain()
        Self.said(anna, ["after"])
        server.drain()
        let pushes = try ben.take()
        #expect(pushes.map(\.kind) == ["resume", "said"])
        #expect(pushes[0].isRecovered == false)
        #expect(pushes[0].gap == nil)
        #expect(pushes[0]["pos"]?.hasSuffix(":0") == true)
        #expect(pushes[0]["pos"]?.prefix(13) != Self.position(before)?.prefix(13))
        #expect(pushes[1]["pos"]?.hasSuffix(":1") == true)
        #expect(try plain.take().map(\.kind) == ["said", "said"])
    }

    @Test("Pages that do not ask see what they always saw, whoever else asks")
    func oldPages() throws {
        let server = try TestServer()
        let (anna, annaCode) = try server.join("anna")
        Self.said(anna, ["missed"])
        server.drain()
        _ = anna.takeTexts()
        let old = server.connect(loop: 1)
        old.send("type=add&ming=old")
        server.drain()
        let (new, newCode) = try server.join("new", loop: 1, resume: "", others: [anna])
        Self.said(anna, ["hello"])
        new.send("nr=psst&key=\(annaCode)")
        new.closed()
        server.drain()
        let pushes = try old.take()
        #expect(pushes.map(\.kind) == ["madd", "add", "said", "rmove"])
        #expect(Set(pushes[0].members.keys) == ["type", "name", "code1", "code", "time", "users"])
        #expect(Set(pushes[1].members.keys) == ["type", "name", "code1", "code", "time"])
        #expect(Set(pushes[2].members.keys) == ["nrong", "code1", "code", "time", "msgid"])
        #expect(Set(pushes[3].members.keys) == ["type", "nrong", "code1", "code", "time"])
        #expect(pushes[3]["nrong"] == newCode)
    }

    @Test("What is private has no position, is not missed by anybody, and is in no history")
    func privateMessages() throws {
        let server = try TestServer()
        let (anna, _) = try server.join("anna")
        let (ben, benCode) = try server.join("ben", loop: 1, resume: "", others: [anna])
        _ = ben.takeTexts()
        anna.send("nr=psst&key=\(benCode)")
        server.drain()
        let push = try #require(try ben.take().first { $0.kind == "said" })
        #expect(Set(push.members.keys) == ["nrong", "code1", "code", "time", "msgid"])
        ben.closed()
        let again = server.connect()
        again.send("type=add&ming=ben&resume=")
        server.drain()
        #expect(Self.texts(try again.take()) == [])
    }

    @Test("A rename keeps the subscription as it is, whether it asks or not")
    func rename() throws {
        let server = try TestServer()
        let (anna, _) = try server.join("anna", resume: "")
        let (old, _) = try server.join("old", loop: 1, others: [anna])
        Self.said(anna, ["one"])
        server.drain()
        _ = anna.takeTexts()
        _ = old.takeTexts()
        anna.send("type=add&ming=anne")
        old.send("type=add&ming=older&resume=")
        server.drain()
        #expect(try anna.take().map(\.kind) == ["madd", "rmove", "add"])
        #expect(try old.take().map(\.kind) == ["rmove", "add", "madd"])
        Self.said(anna, ["two"])
        server.drain()
        #expect(Self.position(try anna.take())?.hasSuffix(":2") == true)
        #expect(Self.position(try old.take()) == nil)
        // Who speaks is known by the new name from then on.
        let (late, _) = try server.join("late", others: [anna])
        _ = late.takeTexts()
        let later = server.connect()
        later.send("type=add&ming=later&resume=")
        server.drain()
        #expect(try later.take().compactMap { $0["name"] } == ["later", "anna", "anne"])
    }

    @Test("What is said while the log is read comes after what was missed, once")
    func seam() throws {
        let server = try TestServer()
        let (anna, _) = try server.join("anna")
        Self.said(anna, ["1", "2"])
        server.drain()
        server.engine.hold()
        let ben = server.connect(loop: 1)
        ben.send("type=add&ming=ben&resume=")
        Self.said(anna, ["3", "4"])
        server.drain()
        #expect(try ben.take().map(\.kind) == ["madd"])
        server.engine.release()
        Self.said(anna, ["5"])
        server.drain()
        server.drain()
        let pushes = try ben.take()
        #expect(pushes.first?.kind == "resume")
        #expect(Self.texts(pushes) == ["1", "2", "3", "4", "5"])
        #expect(pushes.first?.missed == 4)
    }

    @Test("What was missed waits for a connection that takes no more, and goes on when it does")
    func slowReader() throws {
        let server = try TestServer()
        let (anna, _) = try server.join("anna")
        Self.said(anna, (1...9).map(String.init))
        server.drain()
        let ben = server.connect(loop: 1)
        ben.room = 4
        ben.send("type=add&ming=ben&resume=")
        server.drain()
        Self.said(anna, ["10"])
        server.drain()
        var heard = try ben.take()
        #expect(heard.map(\.kind) == ["madd", "resume", "said", "said"])
        for _ in 0..<9 where Self.texts(heard).count < 10 {
            ben.room = 2
            ben.becameWritable()
            server.drain()
            let pushes = try ben.take()
            #expect(!pushes.isEmpty && pushes.count <= 3)
            heard += pushes
        }
        #expect(Self.texts(heard) == (1...10).map(String.init))
    }

    @Test("A page whose missed messages are dropped while it waits for them is sent away to come back, and leaves once")
    func trimmedDuringReplay() throws {
        let server = try TestServer()
        let (anna, _) = try server.join("anna")
        Self.said(anna, (1...9).map(String.init))
        server.drain()
        let ben = server.connect(loop: 1)
        ben.room = 4
        ben.send("type=add&ming=ben&resume=")
        server.drain()
        _ = anna.takeTexts()
        let heard = try ben.take()
        // Somebody publishes there who lets the room keep less.
        let entry = PublishRequest.Entry(
            channel: server.address.name, publication: Publication(data: Array("{}".utf8)),
            retention: Retention(publications: 1))
        server.engine.publish(PublishRequest(namespace: Rooms.namespace, entries: [entry])) { _ in }
        server.drain()
        _ = anna.takeTexts()
        ben.room = nil
        ben.becameWritable()
        server.drain()
        #expect(ben.disconnectCode == RoomMember.closeCodeForRecovery)
        #expect(ben.takeTexts().isEmpty)
        // As the carrier does then.
        ben.closed()
        server.drain()
        #expect(try anna.take().map(\.kind) == ["rmove"])
        let again = server.connect()
        again.send("type=add&ming=ben&resume=\(try #require(Self.position(heard)))")
        server.drain()
        let pushes = try again.take()
        #expect(pushes[0].users?.map { $0["name"] } == ["anna", "ben"])
        #expect(pushes[1].gap == ["from": 3, "to": 10, "oldest": 10])
    }

    @Test("A page that the engine does not let in is told so, sent away to come back, and is not in the room")
    func refused() throws {
        let server = try TestServer()
        server.engine.refuseToOpen()
        let ben = server.connect(loop: 1)
        ben.send("type=add&ming=ben&resume=")
        server.drain()
        let pushes = try ben.take()
        #expect(pushes.map(\.kind) == ["madd", "error"])
        #expect(pushes.last?["nrong"] == RoomError.roomUnreachable.text)
        #expect(ben.disconnectCode == RoomMember.closeCodeForRecovery)
        ben.closed()
        server.drain()
        #expect(server.rooms.count == 0)
    }

    @Test("A room that keeps nothing answers a page that comes back with what it missed as a gap")
    func nothingKept() throws {
        var options = RoomOptions()
        options.retention = .none
        let server = try TestServer(options)
        let (anna, _) = try server.join("anna")
        let start = try #require(try Self.firstPosition(server))
        Self.said(anna, ["1", "2"])
        let ben = server.connect(loop: 1)
        ben.send("type=add&ming=ben&resume=\(start)")
        let cleo = server.connect(loop: 1)
        cleo.send("type=add&ming=cleo&resume=")
        server.drain()
        #expect(try ben.take().first { $0.kind == "resume" }?.gap == ["from": 1, "to": 2, "oldest": 3])
        let pushes = try cleo.take()
        #expect(pushes.map(\.kind) == ["madd", "resume"])
        #expect(pushes[1].isRecovered == true)
        #expect(pushes[1]["pos"]?.hasSuffix(":2") == true)
    }
}
