import NIOCore
import NIOPosix

/// Finds out whether a server can listen on its host, beside one that runs there already.
public enum HostCheck {
    /// Listens for a moment, on a port that is free.
    ///
    /// - Throws: ``ParleyError`` when the host is unknown or no address of this machine.
    public static func run(_ settings: ServerSettings) async throws {
        let host = settings.host ?? ParleyConfiguration().host
        do {
            let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .bind(host: host, port: 0).get()
            try await channel.close()
        } catch {
            throw ParleyError.cannotListen(host: host, port: 0, cause: error)
        }
    }
}
