import Foundation
import Yams

/// The file in which `parley` keeps the apps that it has made: YAML that nobody but its owner may read.
public struct AppsFile: Sendable {
    /// Where it is when nobody says otherwise: in the working directory.
    public static let defaultPath = "parley.apps.yml"

    struct Content: Codable {
        var apps: [AppSettings]

        enum CodingKeys: String, CodingKey, CaseIterable {
            case apps
        }

        static let schema = KeySchema.section(CodingKeys.self, [.apps: .list(AppSettings.schema)])
    }

    private static let preface = """
        # The apps of a Parley server, with their secrets: whoever reads them can publish. Written by parley; what you
        # change here counts from the next start on, and `parley apps` drops comments.

        """

    /// The file's path.
    public let path: String

    /// Where the file itself is: a link is followed, and stays one.
    private var target: String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// The folder that the file itself is in, from the root of the file system on.
    public var folder: String {
        let path = target
        let cut = path.lastIndex(of: "/").map { path[..<$0] }
        if path.hasPrefix("/") { return cut.map { $0.isEmpty ? "/" : String($0) } ?? "/" }
        return ([FileManager.default.currentDirectoryPath] + [cut].compactMap { $0.map { String($0) } })
            .joined(separator: "/")
    }

    /// Names a file; it need not be there.
    public init(path: String = AppsFile.defaultPath) { self.path = path }

    /// The apps in it; `nil` when there is no such file.
    ///
    /// - Throws: ``ConfigurationError``.
    public func load() throws -> [AppSettings]? {
        // A link that leads nowhere is no file either, but must not be taken for one that can be made.
        guard (try? FileManager.default.attributesOfItem(atPath: path)) != nil else { return nil }
        return try ConfigurationFile.apps(in: ConfigurationFile.text(of: path), name: path)
    }

    /// Makes the file; `false`, and nothing has changed, when there is one already.
    ///
    /// - Throws: ``ConfigurationError`` when it can not be written.
    public func create(_ apps: [AppSettings]) throws -> Bool {
        let draft = try draft(apps, beside: path)
        defer { unlink(draft) }
        // A link is made once or not at all: of two servers that start at the same time one gets its way.
        guard link(draft, path) != 0 else { return true }
        if errno == EEXIST { return false }
        throw failure(errno)
    }

    /// Finds out whether ``create(_:)`` can make the file, and leaves nothing behind.
    ///
    /// - Throws: ``ConfigurationError`` when it cannot.
    public func checkThatItCanBeMade() throws {
        let draft = try draft([], beside: path)
        defer { unlink(draft) }
        let other = "\(draft).link"
        guard link(draft, other) == 0 else { throw failure(errno) }
        unlink(other)
    }

    /// Takes the lock of the file: what its holder reads, changes and writes loses nothing that another program has added
    /// meanwhile. Waits at most 30 seconds.
    ///
    /// - Throws: ``ConfigurationError`` when the folder cannot be opened, or another program keeps the lock.
    public func lock() throws -> AppsFileLock {
        do {
            if let lock = try AppsFileLock(folder: folder) { return lock }
        } catch let error as POSIXError {
            throw failure(error.code.rawValue)
        }
        throw ConfigurationError(lines: [
            "\(path): another program that starts or changes apps in \(folder) does not finish. Stop that program, or name "
                + "a file in another folder with --apps-file"
        ])
    }

    /// Runs `body` with the lock of the file.
    ///
    /// - Throws: ``ConfigurationError`` as ``lock()`` does, and what `body` throws.
    public func exclusively(_ body: () throws -> Void) throws {
        let lock = try lock()
        defer { lock.release() }
        try body()
    }

    /// Puts other apps into the file; it is the old one or the new one at every moment.
    ///
    /// - Throws: ``ConfigurationError`` when it can not be written.
    public func replace(_ apps: [AppSettings]) throws {
        let target = target
        let draft = try draft(apps, beside: target)
        guard rename(draft, target) == 0 else {
            let code = errno
            unlink(draft)
            throw failure(code)
        }
    }

    /// A file beside another with the text, complete and on the disk.
    private func draft(_ apps: [AppSettings], beside place: String) throws -> String {
        let draft = "\(place).\(UInt32.random(in: .min ... .max))"
        let text: String
        do {
            var userInfo: [CodingUserInfoKey: Any] = [:]
            if let key = CodingUserInfoKey.storesSecrets { userInfo[key] = true }
            text = Self.preface + (try YAMLEncoder().encode(Content(apps: apps), userInfo: userInfo))
        } catch {
            throw ConfigurationError(lines: ["\(path): the apps cannot be written as YAML"])
        }
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(errno) }
        defer { close(descriptor) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else {
                let code = errno
                if count < 0, code == EINTR { continue }
                unlink(draft)
                throw failure(code)
            }
            rest = rest.dropFirst(count)
        }
        guard fsync(descriptor) == 0 else {
            let code = errno
            unlink(draft)
            throw failure(code)
        }
        return draft
    }

    private func failure(_ code: Int32) -> ConfigurationError {
        let cause = String(cString: strerror(code))
        return ConfigurationError(lines: [
            code == ENOSPC || code == EDQUOT
                ? "\(path): cannot be written in \(folder) (\(cause)). Free some space there, or name a file elsewhere, "
                    + "with --apps-file"
                : "\(path): cannot be written in \(folder) (\(cause)). Name a file in a folder that exists and can be "
                    + "written, with --apps-file"
        ])
    }
}

extension AppsFile.Content {
    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        guard values.contains(.apps) else {
            throw SettingProblem(
                ["apps"],
                "is missing: list the apps under 'apps:', or write 'apps: []' for none. If nothing else is in the file, "
                    + "remove it: the next start or 'parley apps create' makes it.")
        }
        apps = try values.decode([AppSettings].self, forKey: .apps)
    }
}
