import ArgumentParser
import LoadGenerator

/// What the commands of `parley bench` have in common: a plan is checked, carried out and reported.
protocol BenchCommand: AsyncParsableCommand {
    var options: BenchOptions { get }

    /// What is to be done, without the common options.
    var work: LoadPlan { get }
}

extension BenchCommand {
    private var plan: LoadPlan {
        var plan = work
        options.apply(to: &plan)
        return plan
    }

    func validate() throws {
        do {
            try plan.validate()
        } catch {
            throw ValidationError(error.description)
        }
    }

    func run() async throws {
        let display = ProgressDisplay()
        let report: LoadReport
        do {
            report = try await LoadGenerator.run(plan) { display.show($0) }
        } catch let error as LoadError {
            display.end()
            StandardError.print("parley: \(error)")
            throw ExitCode.failure
        }
        display.end()
        StandardOutput.print(options.json ? report.json : report.summary)
        if options.json { for fault in report.faults { StandardError.print("parley: \(fault)") } }
        if report.errors > 0 { throw ExitCode.failure }
    }
}
