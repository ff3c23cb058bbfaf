import NIOCore
import WebSocketCompression
import WebSocketCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Moves a connection from SwiftNIO to a ``ConnectionCarrier``, after its 101 has left.
///
/// The descriptor is duplicated and NIO's channel is closed, which closes NIO's descriptor and not the connection: what
/// arrives from then on is read by the carrier, and what NIO had read behind the request goes along.
struct HandOver: Sendable {
    private let carrier: any ConnectionCarrier
    private let compression: LoopLocal<CompressionContext>

    /// `nil` when there is no carrier.
    init?(carrier: (any ConnectionCarrier)?, compression: LoopLocal<CompressionContext>) {
        guard let carrier else { return nil }
        self.carrier = carrier
        self.compression = compression
    }

    /// Hands a connection over; `false`, and nothing has changed, when it has to stay: it is no plain socket, or the
    /// process has no descriptor to spare.
    ///
    /// - Parameters:
    ///   - channel: whose outgoing bytes have all left; on its loop.
    ///   - received: takes what was read behind the request.
    ///   - lease: what counts the connection until it has ended, if anything does.
    func take(
        _ channel: any Channel, route: WebSocketRoute, agreement: CompressionAgreement?, lease: ConnectionLease?,
        received: () -> ByteBuffer?, request: @escaping @Sendable (any WebSocketLoop) -> AcceptedRequest
    ) -> Bool {
        guard let descriptor = Self.duplicate(channel) else { return false }
        let bytes = received().map { Array($0.readableBytesView) } ?? []
        let compression = compression
        carrier.adopt(
            HandedOverConnection(
                descriptor: descriptor, received: bytes, limits: route.limits, claim: lease
            ) { loop in
                let codecs = agreement.map { compression.value(on: loop).codecs(for: $0).messageCodecs }
                return (route.makeSession(request(loop)), codecs)
            })
        // Only now, so that there is no moment at which nobody counts it; SwiftNIO reads nothing before this returns.
        channel.close(promise: nil)
        return true
    }

    /// A second descriptor of the channel's socket; `nil` when it has none, or the process none to spare.
    static func duplicate(_ channel: any Channel) -> Int32? {
        let descriptor = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
            of: NIOBSDSocket.Handle.self
        ) { fcntl($0, F_DUPFD_CLOEXEC, 0) }
        guard let descriptor, descriptor >= 0 else { return nil }
        return descriptor
    }
}
