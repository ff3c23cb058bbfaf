import Simulation

if CommandLine.arguments.dropFirst().contains(where: { $0 == "--help" || $0 == "-h" }) {
    print(Options.help)
    Process.end(with: 0)
}
let options: Options
do throws(InvalidArgument) {
    options = try Options(CommandLine.arguments.dropFirst())
} catch {
    print("error: \(error.words)\n\n\(Options.help)")
    Process.end(with: 2)
}
Process.begin()
Process.end(with: Command(options: options).run() ? 0 : 1)
