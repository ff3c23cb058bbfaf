import Yams

/// Decodes settings although some of their values cannot be read, so that one run names every problem of a file.
///
/// Decoding stops at the first value that it cannot read. This puts a stand-in in its place and decodes again; what the
/// stand-in causes is not reported.
struct SettingReader<Value: Decodable> {
    private var root: Node
    private(set) var problems: [SettingProblem] = []
    /// Where a problem was reported.
    private var faulty: Set<[String]> = []
    /// What was written where a number should be, by place. The check of the ranges knows what is allowed there.
    private var numbers: [[String]: UnreadableNumber] = [:]
    private var attempts: [[String]: Int] = [:]

    init(_ root: Node) { self.root = root }

    /// The settings with stand-ins for what cannot be read; `nil` when nothing can stand in, or when there are more than
    /// ``ConfigurationFile/maximumProblems`` problems.
    mutating func value() -> Value? {
        while problems.count < ConfigurationFile.maximumProblems {
            do {
                return try YAMLDecoder().decode(Value.self, from: root)
            } catch {
                guard repair(DecodingFault(error, in: root)) else { return nil }
            }
        }
        return nil
    }

    /// Takes the problems that a check has found, except the consequences of earlier ones.
    mutating func note(_ found: [SettingProblem]) {
        for problem in found {
            if let number = numbers.removeValue(forKey: problem.path) {
                if let index = problems.firstIndex(where: { $0.path == problem.path }) {
                    problems[index].words = number.words(withCure: problem.words)
                }
            } else if !([problem.path] + problem.others).contains(where: isKnown) {
                problems.append(problem)
                faulty.insert(problem.path)
            }
        }
    }

    /// Takes every value out that has a problem: what is weighed against others from here on is in order by itself.
    mutating func withdrawFaulty() {
        for place in faulty where !isElement(place) { root.replace(at: place, by: nil) }
        attempts = [:]
    }

    private mutating func repair(_ fault: DecodingFault) -> Bool {
        if !isKnown(fault.place) {
            problems.append(fault.problem)
            faulty.insert(fault.place)
            numbers[fault.place] = fault.number
        }
        let standIns = standIns(for: fault)
        let attempt = attempts[fault.place, default: 0]
        guard !fault.place.isEmpty, attempt < standIns.count else { return false }
        attempts[fault.place] = attempt + 1
        root.replace(at: fault.place, by: standIns[attempt])
        return true
    }

    /// What is tried in turn; `nil` takes the key out. No number that a setting allows is below 0.
    private func standIns(for fault: DecodingFault) -> [Node?] {
        let values: [Node?] = [Node(""), Node([Node]()), Node([(Node, Node)]())]
        let missing: [Node?] = isElement(fault.place) ? [] : [nil]
        return (fault.number == nil ? [] : [Node("-1", Tag(.implicit), .plain)]) + missing + values
    }

    private func isElement(_ place: [String]) -> Bool { place.last.flatMap { Int($0) } != nil }

    /// Whether a problem was reported there, or of something around it.
    private func isKnown(_ place: [String]) -> Bool {
        (0...place.count).contains { faulty.contains(Array(place.prefix($0))) }
    }
}

/// What stands in a file where a number should be.
struct UnreadableNumber {
    /// What was written.
    let text: String
    /// "a whole number" or "a number".
    let kind: String

    /// What is wrong, without what is allowed.
    var words: String { words(withCure: "\(text): give \(kind).") }

    /// What is wrong, with the words of a check that has seen the stand-in.
    func words(withCure words: String) -> String {
        let cure = words.firstRange(of: ": ").map { words[$0.upperBound...] } ?? words[...]
        let digits = text.utf8.first == UInt8(ascii: "-") ? Substring(text).dropFirst() : Substring(text)
        let isTooLarge = !digits.isEmpty && digits.utf8.allSatisfy { 0x30...0x39 ~= $0 } && digits.utf8.first != 0x30
        return isTooLarge ? "\(text): \(cure)" : "\(text): not \(kind); \(cure)"
    }
}
