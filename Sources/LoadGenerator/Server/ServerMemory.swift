/// The memory of a process, in bytes.
public struct ServerMemory: Hashable, Sendable {
    /// All pages that are in memory, shared ones included.
    public let resident: Int
    /// Pages of its own that no file stands behind: heap and stacks.
    public let anonymous: Int

    /// Reads `/proc/PID/smaps_rollup` (proc_pid_smaps(5)).
    init?(smapsRollup text: String) {
        func bytes(_ name: String) -> Int? {
            for line in text.split(separator: "\n") where line.hasPrefix(name + ":") {
                return line.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 &* 1024 }
            }
            return nil
        }
        guard let resident = bytes("Rss"), let anonymous = bytes("Anonymous") else { return nil }
        self.resident = resident
        self.anonymous = anonymous
    }
}
