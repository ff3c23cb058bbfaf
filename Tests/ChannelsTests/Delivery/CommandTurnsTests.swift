import Testing
import WebSocketCore

@testable import Channels

@Suite("Commands take turns", .timeLimit(.minutes(5)))
struct CommandTurnsTests {
    /// A connection that has received many commands, and does them as its shard lets it.
    private final class Client: Subscriber {
        private let shard: Shard
        private var turn = CommandTurn()
        private(set) var left: Int
        var whenDone: () -> Void = {}

        init(_ shard: Shard, commands: Int) {
            self.shard = shard
            left = commands
        }

        /// As a carrier that hands over what it has read, until it is to wait.
        func goOn() {
            while left > 0 {
                left -= 1
                if left == 0 { whenDone() }
                guard shard.takesCommand(CommandCost.ofChange, &turn) else { return shard.waitForTurn(self, turn) }
            }
        }

        override func turnCame() { goOn() }
        override func deliver(_ frame: SharedFrame) {}
    }

    @Test("An iteration does 128 commands, and two for each connection that finds them spent")
    func bound() {
        let loop = ManualLoop()
        let clients = (0..<50).map { _ in Client(loop.shard, commands: 100) }
        var drains = 0
        for client in clients { client.goOn() }
        #expect(clients.reduce(0) { $0 + 100 - $1.left } == 128 + 2 * 48)
        while clients.contains(where: { $0.left > 0 }) {
            let before = (clients.reduce(0) { $0 + $1.left }, loop.wakeUps)
            loop.shard.drain()
            #expect(before.0 - clients.reduce(0) { $0 + $1.left } <= 128)
            drains += 1
            #expect(drains < 200)
            if clients.contains(where: { $0.left > 0 }) { #expect(loop.wakeUps == before.1 + 1) }
        }
        loop.shard.drain()
        #expect(loop.shard.statistics.mostPoints == 8 * (128 + 2 * 48))
    }

    @Test("Whoever wants few waits for one turn of each of the others, and not for all that they want")
    func turns() {
        let loop = ManualLoop()
        let greedy = (0..<20).map { _ in Client(loop.shard, commands: 1_000) }
        for client in greedy { client.goOn() }
        let modest = Client(loop.shard, commands: 5)
        modest.goOn()
        for _ in 0..<3 { loop.shard.drain() }
        #expect(modest.left == 0)
        #expect(greedy.allSatisfy { $0.left > 800 })
    }

    @Test("Who wants something now and then does not wait for all of those that want as much as they get")
    func modesty() {
        let loop = ManualLoop()
        let greedy = (0..<200).map { _ in Client(loop.shard, commands: 1_000) }
        for client in greedy { client.goOn() }
        for _ in 0..<5 { loop.shard.drain() }
        for _ in 0..<3 {
            let modest = Client(loop.shard, commands: 3)
            for _ in 0..<3 where modest.left > 0 {
                modest.goOn()
                loop.shard.drain()
            }
            #expect(modest.left == 0)
        }
        // The others get their half all the same.
        let modest = (0..<200).map { _ in Client(loop.shard, commands: 1_000) }
        for client in modest { client.goOn() }
        let before = greedy.reduce(0) { $0 + $1.left }
        loop.shard.drain()
        #expect(before - greedy.reduce(0) { $0 + $1.left } >= 60)
    }

    @Test("Who sends something now and then does not stand in line, however many newcomers do")
    func nowAndThen() {
        let loop = ManualLoop()
        let newcomers = (0..<2_000).map { _ in Client(loop.shard, commands: 90) }
        for client in newcomers { client.goOn() }
        var (now, often) = (CommandTurn(), CommandTurn())
        var refusals = 0
        for iteration in 0..<100 {
            loop.shard.drain()
            if iteration.isMultiple(of: 3) { #expect(loop.shard.takesCommand(CommandCost.ofChange, &now)) }
            // Twice as much in every iteration is not now and then.
            for _ in 0..<2 where !loop.shard.takesCommand(CommandCost.ofChange, &often) { refusals += 1 }
        }
        #expect(refusals > 90)
    }

    @Test("Where hundreds want more than a turn's worth, turns are shorter, and a change long at least")
    func shortTurns() {
        var turn = CommandTurn()
        turn.take(64, in: 0)
        turn.take(63, in: 1)
        #expect(!turn.isOver(0) && !turn.isOver(16))
        turn.take(8, in: 2)
        #expect(!turn.isOver(100))
        #expect(turn.isOver(1_024) && turn.isOver(100_000))
        turn.take(7, in: 3)
        #expect(!turn.isOver(100_000))
    }

    @Test("A connection that is alone does all that an iteration allows")
    func alone() {
        let loop = ManualLoop()
        let client = Client(loop.shard, commands: 300)
        client.goOn()
        #expect(client.left == 300 - 128)
        // Nothing else would wake the shard.
        #expect(loop.wakeUps == 1)
        loop.shard.drain()
        #expect(client.left == 300 - 256)
        loop.shard.drain()
        #expect(client.left == 0)
        let wakeUps = loop.wakeUps
        loop.shard.drain()
        #expect(loop.wakeUps == wakeUps)
    }

    @Test("Commands go on in an iteration that is full of deliveries, and deliveries in one that is full of commands")
    func both() throws {
        let loop = ManualLoop()
        let hub = ChannelHub(encoder: WordEncoder())
        let recorders = (0..<164).map { _ in Recorder() }
        for recorder in recorders { _ = hub.subscribe(try channelName(), with: recorder, on: loop.shard) }
        loop.shard.drain()
        let clients = (0..<2).map { _ in Client(loop.shard, commands: 400) }
        for client in clients { client.goOn() }
        for number in 0..<400 { try hub.publish("\(number)", to: channelName()) }
        let before = clients.reduce(0) { $0 + $1.left }
        loop.shard.drain()
        #expect(recorders[0].frames.count == 100)
        #expect(before - clients.reduce(0) { $0 + $1.left } >= 16)
    }

    @Test("A connection in line that has ended costs nothing but its place")
    func ended() {
        let loop = ManualLoop()
        final class Gone: Subscriber {}
        for _ in 0..<1_000 { loop.shard.waitForTurn(Gone(), CommandTurn()) }
        let client = Client(loop.shard, commands: 5)
        _ = (0..<200).map { _ in Client(loop.shard, commands: 1).goOn() }
        client.goOn()
        for _ in 0..<9 { loop.shard.drain() }
        #expect(client.left == 0)
    }
}
