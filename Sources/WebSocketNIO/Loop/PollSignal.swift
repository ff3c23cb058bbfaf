import NIOCore
import NIOPosix

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Has a loop of SwiftNIO call back after it has looked at its sockets.
///
/// A task does not: the loop runs all tasks that are due, and those that were added meanwhile, before it polls again. As
/// long as tasks keep coming, from other threads too, nobody's socket is read. This is a pipe with one byte in it.
/// Confined to its loop's thread.
final class PollSignal: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let output: CInt
    private var isRaised = false
    private var whenPolled: () -> Void = {}

    private init(output: CInt) { self.output = output }

    deinit { close(output) }

    /// Opens one, which takes two descriptors; the channel that comes back ends it.
    ///
    /// - Throws: `IOError` when there are no descriptors left.
    static func open(
        on eventLoop: any EventLoop
    ) async throws -> (signal: NIOLoopBound<PollSignal>, channel: any Channel) {
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { throw IOError(errnoCode: errno, reason: "pipe") }
        let (input, output) = (ends[0], ends[1])
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let signal = try await eventLoop.submit {
            NIOLoopBound(PollSignal(output: output), eventLoop: eventLoop)
        }.get()
        do {
            let channel = try await NIOPipeBootstrap(group: eventLoop)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(signal.value)
                    }
                }
                .takingOwnershipOfDescriptor(input: input).get()
            return (signal, channel)
        } catch {
            close(input)
            throw error
        }
    }

    /// Sets what is called after each poll that was asked for.
    func onPoll(_ whenPolled: @escaping () -> Void) { self.whenPolled = whenPolled }

    /// Asks for one call, after the next poll.
    func raise() {
        guard !isRaised else { return }
        isRaised = true
        var byte: UInt8 = 1
        // There is never more than one byte in the pipe.
        while write(output, &byte, 1) < 0, errno == EINTR {}
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        guard isRaised else { return }
        isRaised = false
        whenPolled()
    }
}

@available(*, unavailable)
extension PollSignal: Sendable {}
