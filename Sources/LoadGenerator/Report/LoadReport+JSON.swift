import WebSocketCore

extension LoadReport {
    /// All figures as one JSON object on one line; what was not measured is left out.
    public var json: String {
        var object = JSONLine()
        object.add("mode", plan.work.rawValue)
        object.add("conns", plan.work == .idle ? held : opened - (plan.work == .fanOut ? plan.publishers : 0))
        object.add("loops", plan.loops)
        switch plan.work {
        case .echo, .fanOut: addTraffic(to: &object)
        case .idle: addMemory(to: &object)
        case .connect: addLatency(to: &object)
        }
        object.add("connect_per_s", connectsPerSecond, decimals: 0)
        object.add("server_cpu_us_per_connect", processorMicrosecondsPerConnect, decimals: 2)
        if plan.work != .connect { object.add("total", Int(clamping: total)) }
        object.add("errors", Int(clamping: errors))
        object.add("faults", faults)
        return object.text
    }

    private func addTraffic(to object: inout JSONLine) {
        object.add("size", plan.size)
        object.add("kind", plan.kind == .text ? "text" : "binary")
        if plan.work == .echo {
            object.add("depth", plan.inFlight)
        } else {
            object.add("pubs", plan.publishers)
            object.add("window", plan.inFlight)
            object.add("published", Int(clamping: published))
        }
        object.add("gaps", Int(clamping: gaps))
        object.add("seconds", measuredSeconds, decimals: 3)
        object.add("msgs_per_s", messagesPerSecond, decimals: 0)
        object.add("mib_per_s", mebibytesPerSecond, decimals: 1)
        object.add("msgs_per_read", messagesPerRead, decimals: 2)
        addLatency(to: &object)
        object.add("server_cpu_us_per_msg", processorMicrosecondsPerMessage, decimals: 3)
        object.add("server_util", serverUtilization, decimals: 2)
        object.add("client_util", clientUtilization, decimals: 2)
        if let memoryAfter { object.add("rss_kib", memoryAfter.resident / 1024) }
    }

    private func addLatency(to object: inout JSONLine) {
        guard let latency else { return }
        let figures = [
            ("p50_us", latency.p50), ("p90_us", latency.p90), ("p99_us", latency.p99), ("p999_us", latency.p999),
            ("max_us", latency.max),
        ]
        for (key, nanoseconds) in figures { object.add(key, Double(nanoseconds) / 1000, decimals: 1) }
    }

    private func addMemory(to object: inout JSONLine) {
        object.add("exchange", plan.exchanges ? 1 : 0)
        if plan.exchanges { object.add("size", plan.size) }
        if let memoryBefore { object.add("rss0_kib", memoryBefore.resident / 1024) }
        if let memoryAfter { object.add("rss_kib", memoryAfter.resident / 1024) }
        object.add("bytes_per_conn_rss", memoryPerConnection?.resident, decimals: 0)
        object.add("bytes_per_conn_anonymous", memoryPerConnection?.anonymous, decimals: 0)
        object.add("hold_cpu_s", processorTime.map { Double($0) / 1e9 }, decimals: 3)
    }
}
