import ParleyServer

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A file with the secrets of apps that every user of the machine can read.
struct SecretFile {
    /// Where it is.
    let path: String
    /// Its permissions, in octal digits.
    let mode: String

    /// What makes it private and lets this process read it.
    let cure: String

    /// Cause and cure in one line.
    var warning: String { "warning: \(path) holds secrets and every user can read it (mode \(mode)): \(cure)" }

    /// Those of the files that were read which others can read; a group may, as services are often set up so.
    static func exposed(_ configuration: String?, _ file: ServerSettings, _ source: AppSource) -> [SecretFile] {
        let configured = file.apps?.apps.isEmpty == false ? configuration : nil
        return [configured, source.secretsFile].compactMap { $0 }.compactMap { SecretFile(exposed: $0) }
    }

    private init?(exposed path: String) {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IROTH != 0 else { return nil }
        self.path = path
        mode = String(status.st_mode & 0o777, radix: 8)
        if status.st_uid == geteuid() {
            cure = "chmod 600 \(path)"
        } else if status.st_gid == getegid() {
            cure = "chmod 640 \(path)"
        } else {
            let group = getgrgid(getegid()).map { String(cString: $0.pointee.gr_name) } ?? "\(getegid())"
            cure = "chgrp \(group) \(path) && chmod 640 \(path)"
        }
    }
}
