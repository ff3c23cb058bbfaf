import ArgumentParser
import ParleyServer

/// What goes wrong for reasons that the operator can change: one line each, and exit status 1.
enum Failure {
    /// Does something, and tells of such errors.
    static func reported<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch {
            throw report(error)
        }
    }

    /// Does something, and tells of such errors.
    static func reported<Result>(_ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch {
            throw report(error)
        }
    }

    private static func report(_ error: any Error) -> any Error {
        switch error {
        case let error as ConfigurationError:
            for line in error.lines { StandardError.print("parley: \(line)") }
        case let error as ParleyError:
            StandardError.print("parley: \(error)")
        default:
            return error
        }
        return ExitCode.failure
    }
}
