import NIOCore
import NIOPosix

/// Finds out whether a server can listen on its host, beside one that runs there already.
public enum HostCheck {
    /// Listens for a moment, on a port that is free. What is wrong: the host is unknown, or no address of this machine.
    public static func problem(of settings: ServerSettings) async -> SettingProblem? {
        let host = settings.host ?? ParleyConfiguration().host
        do {
            let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .bind(host: host, port: 0).get()
            try await channel.close()
            return nil
        } catch {
            return SettingProblem(["host"], "\(ParleyError.cannotListen(host: host, port: 0, cause: error))")
        }
    }
}
