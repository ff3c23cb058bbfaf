import WebSocketCore

/// Runs one operation of the core so and so many times, for valgrind to count what it costs.
///
///     core-counts NAME COUNT
///     core-counts list
///
/// There is no clock in here. `scripts/bench` runs it at N and at 2N operations and takes the difference.
let arguments = CommandLine.arguments.dropFirst()

if arguments.first == "list" {
    for operation in Operation.allCases { print(operation.rawValue) }
} else if arguments.count == 2, let operation = arguments.first.flatMap(Operation.init(rawValue:)),
    let count = arguments.last.flatMap({ Int($0) }), count >= 0
{
    // The result is used, so that the optimiser can not drop the work.
    print(operation.run(count))
} else {
    print("usage: core-counts list | core-counts NAME COUNT")
    print("names: \(Operation.allCases.map(\.rawValue).joined(separator: " "))")
}
