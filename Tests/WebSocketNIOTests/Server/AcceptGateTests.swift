import NIOCore
import NIOEmbedded
import NIOPosix
import Testing

@testable import WebSocketNIO

@Suite("A listener that accepts nobody for a while", .timeLimit(.minutes(5)))
struct AcceptGateTests {
    /// A listener on an embedded loop, whose census a test answers.
    private final class Listener {
        let loop = EmbeddedEventLoop()
        let channel: EmbeddedChannel
        let reported = Mailbox<AcceptPause>()

        init() throws {
            channel = EmbeddedChannel(loop: loop)
            let reported = reported
            try channel.pipeline.syncOperations.addHandler(
                AcceptGate(
                    doorkeeper: Doorkeeper(.unlimited), census: { 7 }, onPause: { reported.put($0) }))
        }

        func fail(_ code: Int32) { channel.pipeline.fireErrorCaught(IOError(errnoCode: code, reason: "accept")) }

        /// What was last said about reading; `nil` when nothing was.
        var isReading: Bool? {
            channel.options.last { $0.option is ChannelOptions.Types.AutoReadOption }?.value as? Bool
        }
    }

    @Test(
        "No descriptor and no memory stop it for a second, and the reason is told",
        arguments: [
            (EMFILE, AcceptPause.Reason.processDescriptors), (ENFILE, .systemDescriptors), (ENOBUFS, .memory),
            (ENOMEM, .memory),
        ])
    func backOff(_ code: Int32, _ reason: AcceptPause.Reason) async throws {
        let listener = try Listener()
        listener.fail(code)
        #expect(listener.isReading == false)
        listener.loop.advanceTime(by: .milliseconds(999))
        #expect(listener.isReading == false)
        listener.loop.advanceTime(by: .milliseconds(1))
        #expect(listener.isReading == true)
        #expect(try await listener.reported.next() == AcceptPause(reason: reason, connections: 7))
    }

    @Test("An episode is told once, however often it is tried again")
    func onceAnEpisode() async throws {
        let listener = try Listener()
        for _ in 0..<20 {
            listener.fail(EMFILE)
            listener.loop.advanceTime(by: .seconds(1))
        }
        listener.fail(ENFILE)
        #expect(try await listener.reported.next().reason == .processDescriptors)
        #expect(try await listener.reported.next().reason == .systemDescriptors)
        #expect(listener.reported.count == 0)
    }

    @Test("One connection that could not be accepted stops nobody", arguments: [ECONNABORTED, EPROTO, EINVAL])
    func oneConnection(_ code: Int32) throws {
        let listener = try Listener()
        listener.fail(code)
        #expect(listener.isReading == nil)
    }

    @Test("Nothing happens to a listener that is gone")
    func gone() throws {
        let listener = try Listener()
        listener.fail(EMFILE)
        _ = try listener.channel.finish(acceptAlreadyClosed: true)
        listener.loop.advanceTime(by: .seconds(5))
        #expect(listener.isReading == false)
    }
}
