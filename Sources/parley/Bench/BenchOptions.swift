import ArgumentParser
import LoadGenerator

/// Options of every `parley bench`.
struct BenchOptions: ParsableArguments {
    @Option(help: "Handshakes under way at the same time.")
    var concurrency = 256

    @Option(help: "Threads of the generator.")
    var loops = 1

    @Option(help: "The server's process id on this machine: tells its processor time and memory.")
    var serverPid: Int?

    @Flag(help: "Print one JSON object on one line instead of the summary.")
    var json = false

    /// Puts them into a plan.
    func apply(to plan: inout LoadPlan) {
        plan.concurrency = concurrency
        plan.loops = loops
        plan.serverPID = serverPid
    }
}
