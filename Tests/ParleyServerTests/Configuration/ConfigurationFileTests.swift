import Channels
import Logging
import PusherProtocol
import Reactor
import RoomProtocol
import Testing
import WebSocketCompression
import WebSocketCore
import WebSocketNIO

@testable import ParleyServer

@Suite("Configuration files", .timeLimit(.minutes(5)))
struct ConfigurationFileTests {
    private func settings(_ text: String) throws -> ServerSettings {
        try ConfigurationFile.serverSettings(in: text, name: "config.yml")
    }

    /// The lines of the error that a text leads to; none when it is in order.
    private func lines(_ text: String) -> [String] {
        do {
            _ = try settings(text)
            return []
        } catch let error as ConfigurationError {
            return error.lines
        } catch {
            return ["\(error)"]
        }
    }

    private let app = """
        apps:
          - id: "1"
            name: demo
            keys: [{key: K, secret: S}]
        """

    @Test("A room keeps two of its largest messages at least, unless the file says how much it keeps")
    func roomHistory() throws {
        func keptBytes(_ text: String) throws -> Int {
            try ParleyConfiguration(try settings(text)).room.retention.bytes
        }
        #expect(ParleyConfiguration().room.retention.bytes == 8_388_608)
        #expect(try keptBytes("max_message: 1048576") == 8_388_608)
        #expect(try keptBytes("max_message: 16777216") == 33_554_432)
        #expect(try keptBytes("max_message: 16777216\nroom_history: {bytes: 4194304}") == 4_194_304)
    }

    @Test("The smallest app of the issue: one line of YAML")
    func smallest() throws {
        let text = "apps: [{id: \"1\", name: demo, keys: [{key: K, secret: S}], client_events: true}]"
        let configuration = try ParleyConfiguration(try settings(text))
        let app = try #require(configuration.apps.first)
        #expect(configuration.apps.count == 1)
        #expect(app.id == "1" && app.name == "demo" && app.allowsClientEvents && app.isEnabled)
        #expect(app.keys.map(\.key) == ["K"] && app.keys.map(\.secret) == ["S"])
        #expect(app.retention == Retention())
    }

    @Test("Nothing in the file is every default, an empty file included", arguments: ["", "# nothing\n", "{}\n"])
    func empty(_ text: String) throws {
        let settings = try settings(text)
        #expect(settings.apps == nil)
        let configuration = try ParleyConfiguration(settings)
        let defaults = ParleyConfiguration()
        #expect(configuration.port == defaults.port && configuration.host == defaults.host)
        #expect(configuration.roomLimits == defaults.roomLimits && configuration.appLimits == defaults.appLimits)
    }

    @Test("Every setting of an app has its place, and a number for an id is as good as a text")
    func app_() throws {
        let text = """
            max_rate: 103
            apps:
              - id: 7
                name: shop
                dialect: lenient
                enabled: off
                keys:
                  - {key: K1, secret: 12345}
                  - {key: K2, secret: "S 2"}
                client_events: on
                subscription_count: true
                refuse_replay: yes
                authorization_timeout: 30
                max_connections: 500
                history: {messages: 5, seconds: 1.5, bytes: 1000}
                limits:
                  event_name: 100
                  event_data: 101
                  client_event: 102
                  client_event_rate: 103
                  channels: 104
                  presence_members: 105
                  user_info: 106
                  user_id: 107
                  watchlist: 108
                  channels_per_trigger: 109
                  events_per_batch: 110
                  request_rate: 111
                  activity_timeout: 112
                  pong_timeout: 113
            """
        let app = try #require(try ParleyConfiguration(try settings(text)).apps.first)
        #expect(app.dialect == .lenient)
        #expect(app.id == "7" && !app.isEnabled && app.allowsClientEvents && app.tellsSubscriptionCounts)
        #expect(app.refusesReplay && app.authorizationTimeout == 30_000 && app.maximumConnections == 500)
        #expect(app.keys.map(\.secret) == ["12345", "S 2"])
        #expect(app.retention == Retention(publications: 5, milliseconds: 1_500, bytes: 1_000))
        let limits = app.limits
        #expect(
            [
                limits.eventNameBytes, limits.eventDataBytes, limits.clientEventBytes,
                Int(limits.clientEventsPerSecond),
                limits.channelsPerConnection, limits.presenceMembers, limits.userInfoBytes, limits.userIDBytes,
                limits.watchlistUsers, limits.channelsPerTrigger, limits.eventsPerBatch, Int(limits.requestsPerSecond),
                limits.activityTimeout, limits.pongTimeout,
            ] == Array(100...113))
    }

    @Test("An app in a file is strict unless it says lenient; another word is refused with both")
    func dialects() throws {
        #expect(try ParleyConfiguration(try settings(app)).apps.first?.dialect == .strict)
        for (word, dialect) in [("strict", PusherDialect.strict), ("lenient", .lenient)] {
            let text = app + "\n    dialect: \(word)\n"
            #expect(try ParleyConfiguration(try settings(text)).apps.first?.dialect == dialect)
        }
        #expect(lines(app + "\n    dialect: loose\n").joined().contains("loose: give strict or lenient."))
    }

    @Test("A new app is lenient, and stays so in its file")
    func newApp() throws {
        let new = AppSettings.new(id: "1", name: "demo")
        #expect(new.isLenient && new.app.dialect == .lenient && new.keys.count == 1)
    }

    @Test("History can be switched off, connections can be unlimited when that is written out")
    func words() throws {
        let text = app + "\n    history: off\n    max_connections: unlimited\n"
        let app = try #require(try ParleyConfiguration(try settings(text)).apps.first)
        #expect(app.retention == .none)
        #expect(app.maximumConnections == nil)
    }

    @Test("Every option of the command line has its key")
    func server() throws {
        let text = """
            host: 0.0.0.0
            port: 9000
            room: off
            room_left: remove
            allow_origin: [https://a.example, https://b.example]
            compression: off
            carrier: nio
            loops: 3
            log_level: debug
            apps_file: other.yml
            history_budget: 2000000
            idempotency_budget: 1000000
            max_message: 2000
            max_pending: 3000
            soft_pending: 2500
            soft_pending_time: 5
            max_pending_age: 6
            output_budget: 7000000
            max_connections: 8
            max_connections_per_address: unlimited
            connection_rate: 9
            limit_loopback: on
            max_rate: 10
            max_byte_rate: 70000
            max_members: 11
            handshake_timeout: 12
            close_timeout: 13
            ping_interval: 14
            pong_timeout: 15
            assembly_timeout: 16
            room_history: {messages: 17}
            """
        let settings = try settings(text)
        #expect(settings.logLevel == .debug && settings.appsFile == "other.yml" && settings.apps == nil)
        let made = try ParleyConfiguration(settings)
        #expect(made.host == "0.0.0.0" && made.port == 9000 && !made.servesRoom && made.room.leftType == .remove)
        #expect(made.allowedOrigins == ["https://a.example", "https://b.example"])
        #expect(made.compression.mode == .off && made.carrier == .nio && made.loops == 3)
        #expect(made.historyBudget == 2_000_000 && made.outputBudget == 7_000_000)
        #expect(made.idempotencyBudget == 1_000_000)
        #expect(made.roomLimits.maximumMessageBytes == 2_000 && made.roomLimits.maximumPendingBytes == 3_000)
        #expect(made.accept.maximumConnections == 8 && made.accept.maximumConnectionsPerAddress == nil)
        #expect(
            made.accept.connectionsPerSecond == 9 && made.accept.connectionBurst == 18 && made.accept.limitsLoopback)
        #expect(made.room.maximumMembers == 11 && made.http.requestTimeout == 12_000)
        #expect(made.room.retention.publications == 17)
        #expect(made.roomLimits.pingInterval == 14_000 && made.roomLimits.pongTimeout == 15_000)
        for limits in [made.roomLimits, made.appLimits] {
            #expect(limits.softPendingBytes == 2_500 && limits.softPendingTime == 5_000)
            #expect(limits.maximumPendingAge == 6_000 && limits.messagesPerSecond == 10)
            #expect(made.roomLimits.bytesPerSecond == 70_000 && made.appLimits.bytesPerSecond == nil)
            #expect(limits.closeTimeout == 13_000 && limits.assemblyTimeout == 16_000)
        }
        // A number that was written down is not halved.
        #expect(!made.accept.limitsAddressToHalf && ParleyConfiguration().accept.limitsAddressToHalf)
        // What is the room's is not the apps'.
        #expect(made.appLimits.maximumMessageBytes == 64 * 1024 && made.appLimits.maximumPendingBytes == 1024 * 1024)
    }

    @Test("A key that there is not stops the start, names its line and the key that was meant (catalogue row 153)")
    func unknownKeys() {
        #expect(
            lines(app + "\n    cleint_events: true\n") == [
                "config.yml:5: unknown key \"cleint_events\"; did you mean \"client_events\"?"
            ])
        #expect(
            lines("alowed_origins: [a]\nprot: 1\nwhatever: 2\n") == [
                "config.yml:1: unknown key \"alowed_origins\"; did you mean \"allow_origin\"?",
                "config.yml:2: unknown key \"prot\"; did you mean \"port\"?", "config.yml:3: unknown key \"whatever\"",
            ])
        #expect(
            lines("apps:\n- id: 1\n  keys:\n  - key: k\n    secret: s\n    sceret: s\n") == [
                "config.yml:6: unknown key \"sceret\"; did you mean \"secret\"?"
            ])
        #expect(
            lines("apps:\n- id: 1\n  keys: [{key: k, secret: s}]\n  limits: {channel: 5}\n") == [
                "config.yml:4: unknown key \"channel\"; did you mean \"channels\"?"
            ])
        #expect(lines("\"a\\e[2Jb\": 1\n") == ["config.yml:1: unknown key \"a?[2Jb\""])
        #expect(lines("\(String(repeating: "k", count: 500)): 1\n").first?.utf8.count ?? 500 < 120)
    }

    @Test("A missing key is told with the typing error that may be the cause")
    func missing() {
        #expect(
            lines("apps:\n- id: 1\n  kyes: [{key: k, secret: s}]\n") == [
                "config.yml:2: apps[0] lacks \"keys\"", "config.yml:3: unknown key \"kyes\"; did you mean \"keys\"?",
            ])
    }

    @Test(
        "A value of the wrong kind is told with its line and what it should be",
        arguments: [
            ("port: eighty", "config.yml:1: port eighty: not a whole number; a port is a number from 0 to 65535."),
            ("host: a\nport: [1]", "config.yml:2: port must be a single value"),
            ("port: 80.5", "config.yml:1: port 80.5: not a whole number; a port is a number from 0 to 65535."),
            ("room: maybe", "config.yml:1: room maybe: give on or off."),
            ("apps: 5", "config.yml:1: apps must be a list of apps, or off."),
            ("apps: on", "config.yml:1: apps on: give a list of apps, or off."),
            ("apps:\n- 5", "config.yml:2: apps[0] must be a mapping of keys to values"),
            ("compression: zip", "config.yml:1: compression zip: give off, shared or dedicated."),
            ("carrier: pigeon", "config.yml:1: carrier pigeon: give auto, reactor or nio."),
            (
                "log_level: loud",
                "config.yml:1: log_level loud: give trace, debug, info, notice, warning, error or critical."
            ),
            ("host: [a]", "config.yml:1: host must be a single value"),
            ("room: on\nhost: ''", "config.yml:2: host '': give an address of this machine, or leave the setting out."),
            (
                "port: 1\nallow_origin: []",
                "config.yml:2: allow_origin an empty list would let everybody in: name an origin, or leave the setting out."
            ),
            ("room_history: 7", "config.yml:1: room_history must be a mapping of messages, seconds and bytes, or off."),
            ("room: {a: b}", "config.yml:1: room must be a single value"),
            ("ping_interval: soon", "config.yml:1: ping_interval soon: not a number; give seconds from 0.1 to 86400."),
            (
                "max_rate: 99999999999999999999",
                "config.yml:1: max_rate 99999999999999999999: give a number from 1 to 1000000."
            ),
            ("max_connections: [1]", "config.yml:1: max_connections must be a number from 1 on, or 'unlimited'."),
            ("\"compression\": \"a\\e[2J\"", "config.yml:1: compression a\\u{1b}[2J: give off, shared or dedicated."),
            ("max_connections: many", "config.yml:1: max_connections many: give a number from 1 on, or 'unlimited'."),
            ("- a\n- b", "config.yml:1: must be a mapping of keys to values"),
        ])
    func wrongKinds(_ text: String, _ line: String) {
        #expect(lines(text) == [line])
    }

    @Test("One run names every problem: unknown keys, unreadable values, ranges, limits that cannot be met together")
    func everything() {
        let text = """
            max_rate: 5
            max_members: many
            port: x
            prot: 1
            soft_pending: 99999999
            allow_origin: [[x], example.com]
            apps:
              - id: "1"
                dialect: loose
                keys: [{key: K, secret: hush}]
                limits: {channels: many, client_event_rate: 7, user_id: 500}
              - id: "2"
                dialect: tight
                keys: hush
              - 7
              - keys: [{secret: [hush]}]
            """
        let found = lines(text)
        #expect(
            found.map { $0.prefix { $0 != " " } + $0.drop { $0 != " " }.prefix(31) } == [
                "config.yml:2: max_members many: not a whole ",
                "config.yml:3: port x: not a whole number; a ",
                "config.yml:4: unknown key \"prot\"; did you me",
                "config.yml:5: soft_pending 99999999: it is n",
                "config.yml:6: allow_origin[0] must be a sing",
                "config.yml:6: allow_origin[1] example.com: a",
                "config.yml:9: apps[0].dialect loose: give st",
                "config.yml:11: apps[0].limits.channels many: ",
                "config.yml:11: apps[0].limits.user_id 500: gi",
                "config.yml:11: apps[0].limits.client_event_ra",
                "config.yml:13: apps[1].dialect tight: give st",
                "config.yml:14: apps[1].keys must be a list",
                "config.yml:15: apps[2] must be a mapping of k",
                "config.yml:16: apps[3] lacks \"id\"",
                "config.yml:16: apps[3].keys[0] lacks \"key\"",
                "config.yml:16: apps[3].keys[0].secret must be",
            ], "\(found)")
        #expect(!found.joined().contains("hush"))
    }

    @Test(
        "What another problem may have caused is not reported",
        arguments: [
            "max_message: 16777217\nsoft_pending: 5000000", "max_message: huge\nmax_pending: 5000",
            "apps:\n- {id: 1, keys: [{key: k, secret: s}], limits: {user_id: no, watchlist: 1000}}",
            "max_rate: 0\napps:\n- {id: 1, keys: [{key: k, secret: s}], limits: {client_event_rate: 60}}",
        ])
    func consequences(_ text: String) {
        #expect(lines(text).count == 1, "\(lines(text))")
    }

    @Test("A file that is nothing but problems gets 100 lines, in bounded time")
    func flood() {
        let found = lines("allow_origin: [" + String(repeating: "[],", count: 20_000) + "]")
        #expect(found.count == 101 && found.last == "config.yml: there may be more problems")
    }

    @Test(
        "A limit of 0 is an error, and so is anything else outside its range (catalogue row 134)",
        arguments: [
            ("max_rate: 0", "max_rate 0: give a number from 1 to 1000000."),
            ("max_byte_rate: 0", "max_byte_rate 0: give a number from 1 on, or 'unlimited'."),
            ("max_byte_rate: 65535", "max_byte_rate 65535: give a number from 65536 to 4294967295, or 'unlimited'."),
            ("max_message: 0", "max_message 0: give a number from 1024 to 16777216."),
            ("max_connections: 0", "max_connections 0: give a number from 1 on, or 'unlimited'."),
            ("connection_rate: 1000001", "connection_rate 1000001: give a number from 1 to 1000000, or 'unlimited'."),
            ("history_budget: 0", "history_budget 0: give a number from 1048576 on."),
            ("output_budget: 5", "output_budget 5: give at least 1048576 bytes."),
            ("soft_pending: -1", "soft_pending -1: give a number from 1 on."),
            ("ping_interval: 0", "ping_interval 0.0: give seconds from 0.1 to 86400."),
            ("ping_interval: .nan", "ping_interval .nan: not a number; give seconds from 0.1 to 86400."),
            ("keep_alive_timeout: 0", "keep_alive_timeout 0.0: give seconds from 0.1 to 86400."),
            ("drain_delay: -1", "drain_delay -1.0: give seconds from 0 to 3600."),
            ("body_budget: 1048575", "body_budget 1048575: give a number from 1048576 on."),
            (
                "trust_proxy: ['::1', 10.0.0.0/33]",
                "trust_proxy[1] 10.0.0.0/33: give an address or a network, like 10.0.0.0/8 or ::1."
            ),
            ("forwarded_header: 'a b'", "forwarded_header a b: give the name of a header."),
            (
                "forwarded_header: forwarded",
                """
                forwarded_header forwarded: its syntax (RFC 7239) is not understood. Have the proxy send X-Forwarded-For.
                """
            ),
            (
                "apps: [{id: '1', keys: [{key: a, secret: s}], limits: {user_info: 65537}}]",
                """
                apps[0].limits.user_info 65537: give a number from 1 to 65536, the bytes of a client's largest message, \
                which carries it.
                """
            ),
            ("port: 65536", "port 65536: a port is a number from 0 to 65535."),
            ("max_pending: 100", "max_pending 100: it must hold at least one message (1048576 bytes)."),
            ("room_history: {bytes: 0}", "room_history.bytes 0: give a number from 1 to 1099511627776."),
        ])
    func ranges(_ text: String, _ words: String) {
        #expect(lines(text) == ["config.yml:1: \(words)"])
    }

    @Test(
        "Limits that cannot be met together are named together",
        arguments: [
            ("{client_event_rate: 51}", "client_event_rate 51: every event is a message, and max_rate allows 50"),
            ("{client_event: 65536}", "client_event 65536: with event_name (200) it does not fit into a client's"),
            ("{client_event: 64000, event_name: 1024}", "client_event 64000: with event_name (1024) it does not fit"),
            ("{user_info: 65000}", "user_info 65000: with user_id (128) it does not fit into a client's message"),
            ("{watchlist: 1000}", "watchlist 1000: as many users with ids of user_id (128) bytes do not fit into"),
            ("{event_data: 262000}", "event_data 262000: with event_name (200) it does not fit into a request of"),
            ("{channels: 3000}", "channels 3000: the answers to as many subscriptions are more than the 1048576"),
        ])
    func conflicts(_ limits: String, _ words: String) throws {
        let found = lines("apps:\n- id: 1\n  keys: [{key: k, secret: s}]\n  limits: \(limits)\n")
        #expect(found.count == 1 && found.first?.hasPrefix("config.yml:4: apps[0].limits.\(words)") == true, "\(found)")
    }

    @Test(
        "The words name the bound: it is taken, and one more is not",
        arguments: [
            ("channels", 2_912, "It may be 2912."), ("watchlist", 488, "488 do."),
            ("client_event", 64_660, "The two together may have 64860."),
            ("event_data", 261_432, "The two together may have 261632."),
        ])
    func boundsInWords(_ key: String, _ bound: Int, _ words: String) {
        func problems(_ value: Int) -> [String] {
            lines("apps: [{id: 1, keys: [{key: k, secret: s}], limits: {\(key): \(value)}}]")
        }
        #expect(problems(bound).isEmpty)
        #expect(problems(bound + 1).first?.hasSuffix(words) == true, "\(problems(bound + 1))")
    }

    @Test(
        "So they are of the server; what can be met together is taken",
        arguments: [
            ("soft_pending: 4194305", "soft_pending 4194305: it is never reached; a reader is cut off at max_pending"),
            ("max_byte_rate: 65536\nmax_message: 4194304", "max_byte_rate 65536: a second message of max_message"),
            (
                "loops: 64\nmax_message: 16777216",
                "loops 64: a loop's part of assembly_budget (268435456) is 4194304 bytes"
            ),
            (
                "assembly_budget: 2097151",
                "assembly_budget 2097151: a loop's part of assembly_budget (2097151) is 2097151"
            ),
            ("assembly_budget: 2097152", nil), ("loops: 8\nmax_message: 16777216", nil),
            ("soft_pending: 4194304", nil), ("max_byte_rate: 65536", nil), ("max_message: 16777216", nil),
            ("max_rate: 1000\napps: [{id: 1, keys: [{key: k, secret: s}], limits: {client_event_rate: 1000}}]", nil),
            ("apps: [{id: 1, keys: [{key: k, secret: s}], limits: {channels: 2900, client_event: 60000}}]", nil),
            ("apps: [{id: 1, keys: [{key: k, secret: s}], limits: {watchlist: 1000, user_id: 40}}]", nil),
        ])
    func serverConflicts(_ text: String, _ words: String?) throws {
        let found = lines(text)
        #expect(found.count == (words == nil ? 0 : 1) && found.first?.contains(words ?? "") != false, "\(found)")
    }

    @Test("So it is in an app, with the app's number and its line")
    func appRanges() {
        let text = """
            apps:
              - id: "1"
                keys: [{key: a, secret: s}]
              - id: two words
                keys:
                  - {key: b, secret: s}
                  - {key: "c:d", secret: ""}
                authorization_timeout: 0
                max_connections: unlimited
                history: {messages: 0}
                limits:
                  channels: 0
                  user_id: 129
            """
        #expect(
            lines(text) == [
                "config.yml:4: apps[1].id must have 1 to 64 letters, digits, '-' or '_'.",
                "config.yml:7: apps[1].keys[1].key must have 1 to 128 letters, digits, '-' or '_'.",
                "config.yml:7: apps[1].keys[1].secret must have 1 to 1024 bytes.",
                "config.yml:8: apps[1].authorization_timeout 0.0: give seconds from 1 to 86400.",
                "config.yml:10: apps[1].history.messages 0: give a number from 1 to 1000000.",
                "config.yml:12: apps[1].limits.channels 0: give a number from 1 to 10000.",
                "config.yml:13: apps[1].limits.user_id 129: give a number from 1 to 128.",
            ])
        #expect(
            lines("apps:\n- id: a\n  keys: []\n") == [
                "config.yml:3: apps[0].keys must have one pair of key and secret at least."
            ])
    }

    @Test("An id or a key that stands there twice is an error, whichever apps it is in")
    func duplicates() {
        let text = """
            apps:
              - {id: "1", keys: [{key: a, secret: s}]}
              - {id: "1", keys: [{key: b, secret: s}, {key: a, secret: t}]}
            """
        #expect(
            lines(text) == [
                "config.yml:3: apps[1].id 1: another app has this id.",
                "config.yml:3: apps[1].keys[1].key a: another pair has this key.",
            ])
        #expect(lines("port: 1\nport: 2\n") == ["config.yml:1: duplicate key \"port\" in the mapping that begins here"])
    }

    @Test("Secrets are in no error, and one that everybody knows is refused (catalogue row 152)")
    func secrets() {
        for text in [
            "apps:\n- id: 1\n  keys: [{key: k, secret: [hush]}]\n",
            "apps:\n- id: 1\n  keys: [{key: k, secret: hush, x: hush}]\n",
            "apps:\n- id: 1\n  keys: [{key: k, secret: hush}\n", "apps: [{id: 1, keys: [{key: k, secret: \"hush}]}]\n",
            "apps:\n- id: 1\n  keys: [{key: k, secret: hush, secret: hush}]\n", "apps:\n- id: 1\n  keys: hush\n",
            "apps:\n- id: 1\n  keys: [{key: \"a b\", secret: hush}]\n",
        ] {
            #expect(!lines(text).isEmpty)
            #expect(!lines(text).joined().contains("hush"))
        }
        #expect(
            lines("apps:\n- id: 1\n  keys: [{key: app-key, secret: app-secret}]\n") == [
                "config.yml:3: apps[0].keys[0].secret is one that everybody knows: make another with 'parley apps create'."
            ])
    }

    @Test("What is no YAML is told with its line", arguments: ["a: [1\nb: 2\n", "\thost: a\n", "a: b: c\n", "\"abc\n"])
    func syntax(_ text: String) {
        let lines = lines(text)
        #expect(lines.count == 1)
        #expect(lines.first?.hasPrefix("config.yml:") == true)
        #expect(lines.first?.contains("not valid YAML") == true)
    }

    @Test("A file that is not there is one line")
    func absent() {
        let error = #expect(throws: ConfigurationError.self) {
            try ConfigurationFile.serverSettings(at: "/nowhere/parley.yml")
        }
        #expect(error?.lines == ["/nowhere/parley.yml: No such file or directory. Name a file that exists"])
    }

    @Test("The command line wins over the file, setting by setting")
    func precedence() throws {
        var given = ServerSettings()
        given.port = 1
        given.maxConnections = .unlimited
        given.apps = .off
        let merged = given.over(try settings("port: 2\nhost: h\nmax_connections: 5\n" + app))
        #expect(merged.port == 1 && merged.host == "h" && merged.maxConnections == .unlimited)
        #expect(merged.apps?.apps.isEmpty == true)
    }

    @Test(
        "Every key of the schema is one that is read: what over() forgets would be lost",
        arguments: ServerSettings.CodingKeys.allCases)
    func everyKey(_ key: ServerSettings.CodingKeys) throws {
        let value: String
        switch key {
        case .host, .appsFile, .forwardedHeader: value = "x"
        case .bodyBudget: value = "1048576"
        case .trustProxy: value = "[10.0.0.0/8]"
        case .room, .limitLoopback, .apps: value = "off"
        case .roomLeft: value = "remove"
        case .allowOrigin: value = "[https://a.example]"
        case .compression: value = "shared"
        case .carrier: value = "nio"
        case .logLevelSetting: value = "debug"
        case .roomHistory: value = "{messages: 5}"
        case .historyBudget, .idempotencyBudget, .outputBudget, .assemblyBudget, .maxMessage, .maxPending, .maxByteRate:
            value = "3000000"
        default: value = "7"
        }
        let file = try settings("\(key.rawValue): \(value)\n")
        let described = "\(file)"
        #expect(described != "\(ServerSettings())")
        #expect("\(ServerSettings().over(file))" == described)
        #expect("\(file.over(ServerSettings()))" == described)
    }
}
