import ArgumentParser
import ParleyServer

/// What goes wrong for reasons that the operator can change: one line each, and an exit status that says which kind.
enum Failure {
    /// 78, `EX_CONFIG`: `parley serve` does not start as it is configured, and will not when it is started again.
    static let configuration = ExitCode(78)

    /// Does something, and tells of such errors.
    ///
    /// - Parameter status: the exit status for an error in the configuration.
    static func reported<Result>(configuration status: ExitCode = .failure, _ body: () throws -> Result) throws
        -> Result
    {
        do {
            return try body()
        } catch {
            throw report(error, status)
        }
    }

    /// Does something, and tells of such errors.
    ///
    /// - Parameters:
    ///   - status: the exit status for an error in the configuration.
    ///   - print: takes each line, without its newline.
    static func reported<Result>(
        configuration status: ExitCode = .failure, print: (String) -> Void = StandardError.print,
        _ body: () async throws -> Result
    ) async throws -> Result {
        do {
            return try await body()
        } catch {
            throw report(error, status, print)
        }
    }

    private static func report(
        _ error: any Error, _ status: ExitCode, _ print: (String) -> Void = StandardError.print
    ) -> any Error {
        switch error {
        case let error as ConfigurationError:
            for line in error.lines { print("parley: \(line)") }
            return status
        case let error as ParleyError:
            print("parley: \(error)")
            return error.isConfiguration ? status : ExitCode.failure
        case let error as ValidationError:
            // Thrown from here it would show the usage of `parley`, not that of the command.
            print("Error: \(error.message)")
            return ExitCode.validationFailure
        case let error as ExitCode:
            return error
        default:
            print("parley: \(error)")
            return ExitCode.failure
        }
    }
}
