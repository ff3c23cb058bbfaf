import NIOCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The processors that this process may use: its threads follow their number.
public enum ProcessorLimit {
    /// The least of those that are online, those of its mask (`taskset`, `AllowedCPUs=`, `--cpuset-cpus`), and what the
    /// quota of its control group is worth (`CPUQuota=`, `--cpus`), rounded up; at least 1. As found at the first call.
    public static let count: Int = {
        let online = Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let groups = SystemFile.text("/proc/self/cgroup")
        let files = ControlGroup.files(groups, controller: "cpu", unified: "cpu.max", legacy: "cpu.cfs_quota_us")
        let quotas = files.compactMap { quota(SystemFile.text($0)) }
        let mask = maskCount(SystemFile.text("/proc/self/status"))
        return max(1, ([online, mask].compactMap { $0 } + quotas).min() ?? 1)
    }()

    /// Has SwiftNIO make as many threads, too. Call it once, before anything uses SwiftNIO's own group.
    public static func applyToSwiftNIO() { NIOSingletons.groupLoopCountSuggestion = count }

    /// The processors that a quota is worth: more threads than that would use it up together and stand still for the rest
    /// of each period. `nil` when there is none.
    ///
    /// - Parameter text: `QUOTA PERIOD` in microseconds, or `max PERIOD` (`cpu.max`); without a period (version 1, where
    ///   it is in another file) it is 100,000, the default, and a quota below 0 is none.
    static func quota(_ text: String) -> Int? {
        let fields = text.split { $0.isWhitespace }
        guard let first = fields.first, let quota = Int(first), quota > 0 else { return nil }
        let period = fields.count > 1 ? Int(fields[1]) ?? 0 : 100_000
        guard period > 0 else { return nil }
        return (quota - 1) / period + 1
    }

    /// How many processors the process's mask has; `nil` when the text does not say, or was cut off within that line.
    ///
    /// - Parameter status: `/proc/self/status`, with a line `Cpus_allowed_list:` of numbers and ranges (proc(5)).
    static func maskCount(_ status: String) -> Int? {
        let lines = status.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        guard let line = lines.first(where: { $0.hasPrefix("Cpus_allowed_list:") }),
            let list = line.split(whereSeparator: \.isWhitespace).dropFirst().first
        else { return nil }
        var count = 0
        for range in list.split(separator: ",") {
            let ends = range.split(separator: "-").map { Int($0) }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil, first <= last, last < 1 << 20 else {
                return nil
            }
            count += last - first + 1
        }
        return count
    }
}
