/// Reads what the server process uses, from `/proc`. Linux only.
struct ServerMeter: Sendable {
    private let folder: String

    /// - Throws: ``LoadError`` when there is no such process, or it is not ours to look at.
    init(pid: Int) throws(LoadError) {
        folder = "/proc/\(pid)"
        #if os(Linux)
        guard SystemFile.names(in: folder + "/task") != nil else {
            throw .option(
                "--server-pid \(pid)", "there is no such process: give the id of the server's on this machine.")
        }
        guard memory != nil else {
            throw .option(
                "--server-pid \(pid)",
                "it belongs to somebody else: run this as the same user as the server, or as root.")
        }
        #else
        throw .option("--server-pid \(pid)", "this needs the /proc of Linux: leave it out on this system.")
        #endif
    }

    /// Processor time of all threads so far, in nanoseconds; `nil` when the process is gone.
    var processorTime: UInt64? {
        guard let threads = SystemFile.names(in: folder + "/task") else { return nil }
        return threads.reduce(0) { sum, thread in
            sum &+ (SystemFile.text("\(folder)/task/\(thread)/schedstat").flatMap(Self.runTime) ?? 0)
        }
    }

    /// Memory at present; `nil` when the process is gone.
    var memory: ServerMemory? {
        SystemFile.text(folder + "/smaps_rollup").flatMap { ServerMemory(smapsRollup: $0) }
    }

    /// The first number of a `schedstat` file: nanoseconds on a processor.
    static func runTime(schedstat text: String) -> UInt64? {
        text.split { $0 == " " || $0 == "\n" }.first.flatMap { UInt64($0) }
    }
}
