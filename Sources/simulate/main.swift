import Simulation

let options: Options
do throws(InvalidArgument) {
    options = try Options(CommandLine.arguments.dropFirst())
} catch {
    print("error: \(error.words)\n\n\(Options.help)")
    Process.end(with: 2)
}
Process.begin()
Process.end(with: Command(options: options).run() ? 0 : 1)
