import Reactor
import Testing
import WebSocketCore

@Suite("The end of a reactor's loop", .timeLimit(.minutes(5)))
struct LoopEndTests {
    @Test("Every connection and every task that a loop has taken gets its end, however many there are")
    func nothingIsDropped() async throws {
        let count = 1_000
        let reactor = try Reactor(ReactorConfiguration(loops: 1))
        try reactor.start(CarrierEnvironment())
        try await onOwnThread {
            let first = reactor.echo()
            #expect(first.journal.wait(for: 1))
            let loop = try #require(first.loop.entries.first)
            let (isBusy, mayGoOn, done) = (Journal<Bool>(), Journal<Bool>(), Journal<Int>())
            loop.execute {
                isBusy.add(true)
                _ = mayGoOn.wait(for: 1)
            }
            #expect(isBusy.wait(for: 1))
            // The loop is told to end first; what comes behind that is more than it does in a tick.
            let stopping = Task.detached { await reactor.stop(CloseFrame(code: .goingAway), within: .zero) }
            var connections: [TestConnection] = []
            for number in 0..<count {
                if number % 4 == 0 { connections.append(reactor.echo()) }
                loop.execute { done.add(number) }
                if number == 0 { try await Task.sleep(for: .milliseconds(100)) }
            }
            mayGoOn.add(true)
            await stopping.value
            #expect(done.entries == Array(0..<count))
            for connection in connections { #expect(connection.peer.hasEnded(within: 10)) }
        }
    }
}
