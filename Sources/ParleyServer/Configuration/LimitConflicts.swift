import PusherProtocol
import WebSocketCore

/// Settings that are each in order and cannot be met together: the line names both.
extension ServerSettings {
    /// That the apps stand in two places, of which one would not be read.
    ///
    /// For what comes from one source: a file may name apps, and the command line others in their place.
    public func appsConflict() -> SettingProblem? {
        guard let appsFile, let apps else { return nil }
        let words = apps.apps.isEmpty ? "apps are off" : "the apps stand under 'apps'"
        return SettingProblem(
            ["apps_file"], "\(LogText.escaped(appsFile)): it is not read, since \(words). Leave one of the two out.")
    }

    func conflicts() -> [SettingProblem] {
        var problems: [SettingProblem] = []
        if room == false, apps?.apps.isEmpty == true {
            let words = "off: nothing is left to serve, since there are no apps either. Switch it on, or give apps."
            problems.append(SettingProblem(["room"], words))
        }
        let message = maxMessage ?? ParleyConfiguration.defaultMaximumMessage
        let pending = maxPending ?? 4 * message
        if let softPending, softPending > pending {
            let words = "\(softPending): it is never reached; a reader is cut off at max_pending (\(pending)) bytes."
            problems.append(
                SettingProblem(["soft_pending"], words).weighed(against: ["max_pending"], ["max_message"]))
        }
        let rate = maxByteRate.map { $0.value } ?? Int(ParleyConfiguration.defaultByteRate)
        if let rate, message / rate > 30 {
            let words =
                "\(rate): a second message of max_message (\(message)) bytes would take more than 30 seconds. "
                + "It has to be \(message / 31 + 1) at least."
            problems.append(SettingProblem(["max_byte_rate"], words).weighed(against: ["max_message"]))
        }
        let assembly = assemblyBudget ?? ParleyConfiguration.defaultAssemblyBudget
        let part = assembly / max(1, loops ?? 1)
        if part < 2 * message {
            let setting = loops == nil ? ("assembly_budget", assembly) : ("loops", loops ?? 1)
            let words =
                "\(setting.1): a loop's part of assembly_budget (\(assembly)) is \(part) bytes, and a message of "
                + "max_message (\(message)) bytes may need twice its size there. "
                + "assembly_budget has to be \(2 * message * max(1, loops ?? 1)) at least."
            let others = [["loops"], ["assembly_budget"], ["max_message"]].filter { $0 != [setting.0] }
            var problem = SettingProblem([setting.0], words)
            problem.others = others
            problems.append(problem)
        }
        let apps = apps?.apps ?? []
        problems += AppSettings.conflicts(in: apps).map { $0.below(["apps"]) }
        for (number, app) in apps.enumerated() {
            let path = ["apps", String(number), "limits"]
            let most = maxRate ?? ConnectionLimits().messagesPerSecond.map { Int($0) } ?? .max
            let words = app.limits.flatMap { conflict(messagesPerSecond: most, with: $0) }
            if let words {
                let problem = SettingProblem(path + ["client_event_rate"], words)
                problems.append(problem.weighed(against: ["max_rate"]))
            }
        }
        return problems
    }

    private func conflict(messagesPerSecond: Int, with limits: AppLimitSettings) -> String? {
        guard let rate = limits.clientEventRate, rate > messagesPerSecond else { return nil }
        return "\(rate): every event is a message, and max_rate allows \(messagesPerSecond) messages a second."
    }
}

extension AppSettings {
    /// The same for a list of apps: the paths begin with the app's number.
    static func conflicts(in apps: [AppSettings]) -> [SettingProblem] {
        apps.enumerated().flatMap { number, app in
            (app.limits?.conflicts() ?? []).map { $0.below([String(number), "limits"]) }
        }
    }
}

extension AppLimitSettings {
    /// JSON around what a client sends: names of members, quotation marks, a signature, backslashes.
    private static let envelopeBytes = 512
    /// The largest answer to a subscription without its channel's name, with a position.
    private static let answerBytes = 196

    /// What does not fit into a message, a body or what may wait to be written.
    func conflicts() -> [SettingProblem] {
        var limits = PusherLimits()
        apply(to: &limits)
        let connection = ParleyConfiguration().appLimits
        let room = connection.maximumMessageBytes - Self.envelopeBytes
        let name = PusherLimits.channelNameBytes
        var problems: [SettingProblem] = []
        func refuse(_ key: String, _ value: Int, beside other: String? = nil, unless fits: Bool, _ words: String) {
            guard !fits else { return }
            var problem = SettingProblem([key], "\(value): \(words)")
            if let other { problem.others = [[other]] }
            problems.append(problem)
        }
        refuse(
            "client_event", limits.clientEventBytes, beside: "event_name",
            unless: limits.clientEventBytes + limits.eventNameBytes + name <= room,
            "with event_name (\(limits.eventNameBytes)) it does not fit into a client's message of "
                + "\(connection.maximumMessageBytes) bytes. The two together may have \(room - name).")
        refuse(
            "user_info", limits.userInfoBytes, beside: "user_id",
            unless: limits.userInfoBytes + limits.userIDBytes + name <= room,
            "with user_id (\(limits.userIDBytes)) it does not fit into a client's message of "
                + "\(connection.maximumMessageBytes) bytes. The two together may have \(room - name).")
        refuse(
            "watchlist", limits.watchlistUsers, beside: "user_id",
            unless: limits.watchlistUsers * (limits.userIDBytes + 5) <= room,
            "as many users with ids of user_id (\(limits.userIDBytes)) bytes do not fit into a client's message of "
                + "\(connection.maximumMessageBytes) bytes. \(room / (limits.userIDBytes + 5)) do.")
        refuse(
            "event_data", limits.eventDataBytes, beside: "event_name",
            unless: limits.eventDataBytes + limits.eventNameBytes + Self.envelopeBytes <= limits.requestBytes,
            "with event_name (\(limits.eventNameBytes)) it does not fit into a request of \(limits.requestBytes) bytes. "
                + "The two together may have \(limits.requestBytes - Self.envelopeBytes)."
        )
        refuse(
            "channels", limits.channelsPerConnection,
            unless: limits.channelsPerConnection * (name + Self.answerBytes) <= connection.maximumPendingBytes,
            "the answers to as many subscriptions are more than the \(connection.maximumPendingBytes) bytes that may "
                + "wait for a client. It may be \(connection.maximumPendingBytes / (name + Self.answerBytes)).")
        return problems
    }
}
