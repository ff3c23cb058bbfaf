import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Outside the type, whose own function has the same name.
private func systemSend(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int, _ flags: Int32) -> Int {
    send(descriptor, bytes, count, flags)
}

/// The socket under a channel without TLS, to write to directly while SwiftNIO has nothing to write itself.
///
/// What a fan-out costs is the kernel's send; the way through a channel pipeline to it costs half as much again. The
/// descriptor stays SwiftNIO's: it must not be used after the channel has become inactive.
struct PlainSocket {
    private let descriptor: NIOBSDSocket.Handle

    /// The socket of the channel; `nil` when it has none, or when SwiftNIO still has something to write to it.
    init?(_ context: ChannelHandlerContext) {
        guard (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) == 0,
            let descriptor = try? context.pipeline.syncOperations.withUnsafeTransportIfAvailable(
                of: NIOBSDSocket.Handle.self, { $0 })
        else { return nil }
        self.descriptor = descriptor
    }

    /// Sent bytes that the peer has not acknowledged; 0 if unknown.
    var unacknowledgedBytes: Int {
        #if os(Linux)
        var count: Int32 = 0
        return ioctl(descriptor, UInt(TIOCOUTQ), &count) == 0 ? max(0, Int(count)) : 0
        #else
        return 0
        #endif
    }

    /// Hands bytes to the kernel.
    ///
    /// - Returns: how many it took; 0 when it takes none now, or never again: who writes next is told which.
    func send(_ bytes: UnsafeRawBufferPointer) -> Int {
        #if canImport(Darwin)
        let flags: Int32 = 0  // SwiftNIO has set SO_NOSIGPIPE
        #else
        let flags = Int32(MSG_NOSIGNAL)
        #endif
        return max(0, systemSend(descriptor, bytes.baseAddress, bytes.count, flags))
    }
}
