import Simulation

/// Runs seeds and says what was found.
struct Command {
    let options: Options

    /// Whether all is well: nothing was found, or every planted bug was.
    func run() -> Bool {
        if options.isForAllBugs { return findAllBugs() }
        if let bug = options.bug, !Run.plant(bug) {
            Process.say(
                "error: no planted bug is called \(bug) in this build: \(Run.plantedBugs.joined(separator: " "))")
            return false
        }
        var steps = 0
        var failed = 0
        for seed in seeds {
            let report = Run.run(seed: seed, steps: options.steps, log: options.printsLog ? { Process.say($0) } : nil)
            steps += report.steps
            if options.printsTraces { print("seed \(seed): \(report.steps) steps, trace \(report.trace)") }
            guard let violation = report.violation else { continue }
            failed += 1
            Process.say("seed \(seed): \(violation)")
            Process.say("    again: scripts/simulate --first \(seed) --seeds 1 --steps \(options.steps)\(bugArgument)")
        }
        Process.say(
            "\(steps) steps in \(options.seeds) seeds from \(options.first) on: \(failed) failed; \(rate(steps))")
        return failed == 0
    }

    private var seeds: ClosedRange<UInt64> { options.first...options.first + options.seeds - 1 }
    private var bugArgument: String { options.bug.map { " --bug \($0)" } ?? "" }

    private func rate(_ steps: Int) -> String {
        let seconds = Process.seconds
        return "\(Int(seconds * 10) / 10) s, \(Int(seconds * 1e6) / max(1, steps)) µs a step"
    }

    private func findAllBugs() -> Bool {
        var missed = 0
        var total = 0
        for bug in Run.plantedBugs {
            _ = Run.plant(bug)
            var steps = 0
            var found: Run.Report?
            for seed in seeds where found == nil {
                let report = Run.run(seed: seed, steps: options.steps)
                steps += report.steps
                guard report.violation != nil else { continue }
                // Found is what is not there without the bug.
                Run.unplant()
                if Run.run(seed: seed, steps: options.steps).violation == nil { found = report }
                _ = Run.plant(bug)
            }
            total += steps
            if let found, let violation = found.violation {
                Process.say("\(bug): seed \(found.seed), after \(steps) steps in all: \(violation)")
            } else {
                missed += 1
                Process.say("\(bug): NOT FOUND in \(steps) steps")
            }
        }
        Process.say("\(Run.plantedBugs.count - missed) of \(Run.plantedBugs.count) planted bugs found; \(rate(total))")
        Run.unplant()
        return missed == 0 && !Run.plantedBugs.isEmpty
    }
}
