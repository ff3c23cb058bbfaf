/// What is asked on the command line.
struct Options {
    static let help = """
        usage: scripts/simulate [--first N] [--seeds N] [--steps N] [--bug NAME] [--bugs] [--trace] [--log]
          --first N   the first seed (1)
          --seeds N   how many seeds (1000)
          --steps N   events of each run before its faults end (900)
          --bug NAME  with a planted bug
          --bugs      each planted bug, with as many seeds as it takes to find it, and at most --seeds
          --trace     print the digest of each run
          --log       print what happens
          --help      this
        """

    var first: UInt64 = 1
    var seeds: UInt64 = 1_000
    var steps = 900
    var bug: String?
    var isForAllBugs = false
    var printsTraces = false
    var printsLog = false

    init(_ arguments: some Sequence<String>) throws(InvalidArgument) {
        var rest = Array(arguments)[...]
        while let argument = rest.popFirst() {
            switch argument {
            case "--first": first = try Self.number(after: argument, &rest)
            case "--seeds": seeds = try Self.number(after: argument, &rest)
            case "--steps": steps = try Self.number(after: argument, &rest)
            case "--bug":
                guard let name = rest.popFirst() else { throw InvalidArgument(words: "--bug needs a name") }
                bug = name
            case "--bugs": isForAllBugs = true
            case "--trace": printsTraces = true
            case "--log": printsLog = true
            default: throw InvalidArgument(words: "unknown argument \(argument)")
            }
        }
    }

    private static func number<Number: FixedWidthInteger>(
        after argument: String, _ rest: inout ArraySlice<String>
    ) throws(InvalidArgument) -> Number {
        guard let number = rest.popFirst().flatMap({ Number($0) }), number > 0 else {
            throw InvalidArgument(words: "\(argument) needs a number above 0")
        }
        return number
    }
}
