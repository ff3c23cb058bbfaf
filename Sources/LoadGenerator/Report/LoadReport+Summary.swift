import WebSocketCore

extension LoadReport {
    /// The figures for a person, in a few lines.
    public var summary: String {
        var lines = [headline]
        switch plan.work {
        case .echo, .fanOut: lines += traffic
        case .idle: lines += memory
        case .connect: lines += latencyLine("handshake")
        }
        lines.append(connecting)
        if errors == 0 {
            lines.append(line("errors", "none"))
        } else {
            let gaps = gaps > 0 ? ", \(Figure.grouped(Int(clamping: gaps))) messages missing" : ""
            lines.append(line("errors", "\(Figure.grouped(Int(clamping: errors)))\(gaps)"))
            lines += faults.map { "    " + $0 }
            if undescribed > 0 { lines.append("    and \(Figure.grouped(Int(clamping: undescribed))) more") }
        }
        return lines.joined(separator: "\n")
    }

    private var headline: String {
        let message = "\(Figure.size(plan.size)) \(plan.kind == .text ? "text" : "binary")"
        let load = "\(message), \(plan.inFlight) in flight, \(Figure.fixed(measuredSeconds, 1)) s"
        switch plan.work {
        case .echo: return "echo: \(Self.count(opened, "connection")), \(load)"
        case .fanOut:
            let subscribers = Self.count(opened - plan.publishers, "subscriber")
            return "fan-out: \(subscribers), \(Self.count(plan.publishers, "publisher")), \(load)"
        case .idle:
            let exchange = plan.exchanges ? ", one echo of \(message) each" : ""
            return "idle: \(Self.count(held, "connection"))\(exchange), held for \(Figure.short(plan.hold)) s"
        case .connect: return "connect: \(Self.count(opened, "connection")) opened and closed"
        }
    }

    private var traffic: [String] {
        let unit = plan.work == .echo ? "echoes" : "deliveries"
        var lines = [
            line(
                unit,
                "\(Figure.rate(messagesPerSecond))/s, \(Figure.fixed(mebibytesPerSecond, 1)) MiB/s, "
                    + "\(Figure.fixed(messagesPerRead, 2)) a read")
        ]
        lines += latencyLine("latency")
        if let time = processorMicrosecondsPerMessage, let busy = serverUtilization {
            let each = plan.work == .echo ? "an echo" : "a delivery"
            lines.append(
                line("server", "\(Figure.fixed(time, 2)) µs of processor time \(each), \(Self.percent(busy)) busy"))
        }
        let isLimit = clientUtilization > 0.95 * Double(plan.loops)
        lines.append(
            line(
                "generator",
                "\(Self.percent(clientUtilization)) busy"
                    + (isLimit ? ": it may be what limits the rate; try more --loops, or another machine" : "")))
        return lines
    }

    private func latencyLine(_ name: String) -> [String] {
        guard let latency else { return [] }
        let figures = [
            ("p50", latency.p50), ("p90", latency.p90), ("p99", latency.p99), ("p99.9", latency.p999),
            ("max", latency.max),
        ]
        return [line(name, figures.map { "\($0) \(Figure.time($1))" }.joined(separator: ", "))]
    }

    private var memory: [String] {
        guard let memoryPerConnection else { return [] }
        let each = Figure.rate(memoryPerConnection.anonymous)
        let resident = Figure.rate(memoryPerConnection.resident)
        var lines = [line("memory", "\(each) B a connection of the server's own, \(resident) B resident")]
        if let processorTime {
            lines.append(line("server", "\(Figure.time(processorTime)) of processor time to hold them"))
        }
        return lines
    }

    private var connecting: String {
        let each = processorMicrosecondsPerConnect.map { ", \(Figure.fixed($0, 0)) µs of processor time each" } ?? ""
        return line("handshakes", "\(Figure.rate(connectsPerSecond))/s\(each)")
    }

    private func line(_ name: String, _ text: String) -> String {
        "  " + name + String(repeating: " ", count: max(1, 12 - name.count)) + text
    }

    private static func count(_ number: Int, _ noun: String) -> String {
        "\(Figure.grouped(number)) \(noun)\(number == 1 ? "" : "s")"
    }

    private static func percent(_ share: Double) -> String { "\(Figure.fixed(share * 100, 0)) %" }
}
