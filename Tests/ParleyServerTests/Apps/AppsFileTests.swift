import Foundation
import PusherProtocol
import Testing

@testable import ParleyServer

@Suite("The apps file", .timeLimit(.minutes(5)))
struct AppsFileTests {
    /// A directory of the test's own.
    private func withDirectory(_ body: (String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("parley-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    private let apps: [AppSettings] = {
        var app = AppSettings(id: "1", name: "demo \"x\": #", keys: [KeySettings(key: "0123", secret: "456")])
        app.allowsClientEvents = true
        app.dialect = .lenient
        app.history = HistorySettings()
        app.history?.messages = 5
        app.maximumConnections = .unlimited
        var other = AppSettings(id: "shop", keys: [.random(), .random()])
        other.limits = AppLimitSettings()
        other.limits?.channels = 7
        other.history = HistorySettings()
        other.history?.isOn = false
        return [app, other]
    }()

    @Test("What is written is read again, whatever it looks like to YAML, and only its owner may")
    func roundTrip() throws {
        try withDirectory { directory in
            let file = AppsFile(path: directory + "/apps.yml")
            #expect(try file.load() == nil)
            #expect(try file.create(apps))
            let read = try #require(try file.load())
            #expect("\(read)" == "\(apps)")
            let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["apps.yml"])
        }
    }

    @Test("It is made once: who comes second changes nothing, and leaves nothing behind")
    func createdOnce() throws {
        try withDirectory { directory in
            let file = AppsFile(path: directory + "/apps.yml")
            #expect(try file.create([apps[0]]))
            #expect(try !file.create([apps[1]]))
            #expect(try file.load()?.map(\.id) == ["1"])
            try file.replace([apps[1]])
            #expect(try file.load()?.map(\.id) == ["shop"])
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["apps.yml"])
            let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
    }

    @Test("Where nothing can be written it says so in one line")
    func unwritable() throws {
        let file = AppsFile(path: "/nowhere/apps.yml")
        let error = #expect(throws: ConfigurationError.self) { try file.create(apps) }
        #expect(
            error?.lines == [
                """
                /nowhere/apps.yml: cannot be written in /nowhere (No such file or directory). Name a file in a folder that \
                exists and can be written, with --apps-file
                """
            ])
        #expect(throws: ConfigurationError.self) { try file.replace(apps) }
        #expect(try file.load() == nil)
    }

    @Test("A file with mistakes is told with its line, and what is in its place is not taken for none")
    func mistakes() throws {
        try withDirectory { directory in
            let path = directory + "/apps.yml"
            try "apps:\n- id: 1\n  keys: [{key: k, secret: hush}]\n  nmae: x\n".write(
                toFile: path, atomically: true, encoding: .utf8)
            let error = #expect(throws: ConfigurationError.self) { try AppsFile(path: path).load() }
            #expect(error?.lines == ["\(path):4: unknown key \"nmae\"; did you mean \"name\"?"])
            let link = directory + "/link.yml"
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: directory + "/gone.yml")
            let dangling = #expect(throws: ConfigurationError.self) { try AppsFile(path: link).load() }
            #expect(
                dangling?.lines == [
                    """
                    \(link): a link to \(directory)/gone.yml, which is not there (No such file or directory). Remove the \
                    link, or make it lead to a file
                    """
                ])
        }
    }

    @Test("A file without a list of apps is told with what helps", arguments: ["", "# nothing\n", "{}"])
    func withoutApps(text: String) throws {
        try withDirectory { directory in
            let path = directory + "/apps.yml"
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            let error = #expect(throws: ConfigurationError.self) { try AppsFile(path: path).load() }
            #expect(
                error?.lines == [
                    """
                    \(path):1: apps is missing: list the apps under 'apps:', or write 'apps: []' for none. If nothing else \
                    is in the file, remove it: the next start or 'parley apps create' makes it.
                    """
                ])
        }
    }

    @Test("Who holds the lock keeps others out until it is released, and a second release is harmless")
    func locking() throws {
        try withDirectory { directory in
            let file = AppsFile(path: directory + "/apps.yml")
            let lock = try file.lock()
            func isFree() -> Bool {
                let folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                defer { close(folder) }
                return flock(folder, LOCK_EX | LOCK_NB) == 0
            }
            #expect(!isFree())
            lock.release()
            #expect(isFree())
            lock.release()
            try file.exclusively { #expect(!isFree()) }
            #expect(isFree())
        }
    }

    @Test("A new pair is 80 and 256 random bits in hexadecimal, and never the same")
    func randomPairs() {
        let pairs = (0..<100).map { _ in KeySettings.random() }
        #expect(Set(pairs.map(\.key)).count == 100 && Set(pairs.map(\.secret)).count == 100)
        for pair in pairs {
            #expect(pair.key.utf8.count == 20 && pair.secret.revealed.utf8.count == 64)
            #expect((pair.key + pair.secret.revealed).allSatisfy { "0123456789abcdef".contains($0) })
            #expect(pair.problems().isEmpty)
        }
    }

    @Test("Secrets are written to the apps file and by no other encoder")
    func encoding() throws {
        let apps = [AppSettings(id: "1", keys: [KeySettings(key: "the-key", secret: "the-secret")])]
        let json = String(decoding: try JSONEncoder().encode(apps), as: UTF8.self)
        #expect(json.contains("the-key") && !json.contains("the-secret"))
        #expect(!"\(apps)".contains("the-secret"))
        var settings = ServerSettings()
        settings.apps = AppListSetting(apps)
        var text = "\(settings) \(try ParleyConfiguration(settings))"
        dump(try ParleyConfiguration(settings), to: &text)
        #expect(!text.contains("the-secret"))
        try withDirectory { directory in
            let file = AppsFile(path: directory + "/apps.yml")
            let isMade = try file.create(apps)
            let pair = try file.load()?.first?.keys.first
            #expect(isMade && pair?.secret.revealed == "the-secret")
        }
    }

    @Test("Whether a file can be made is found out without a trace")
    func probe() throws {
        try withDirectory { directory in
            try AppsFile(path: directory + "/apps.yml").checkThatItCanBeMade()
            let files = try FileManager.default.contentsOfDirectory(atPath: directory)
            #expect(files.isEmpty)
            #expect(throws: ConfigurationError.self) {
                try AppsFile(path: directory + "/none/apps.yml").checkThatItCanBeMade()
            }
        }
    }
}
