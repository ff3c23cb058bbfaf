import Testing

@testable import LoadGenerator

@Suite("The order of messages", .timeLimit(.minutes(5)))
struct SequenceCheckTests {
    @Test("In their order all are as due")
    func order() {
        var check = SequenceCheck()
        for sequence in 0..<100 { #expect(check.accept(UInt64(sequence)) == .next) }
        #expect(check.expected == 100)
    }

    @Test("A missing message is a gap, told once; what comes after it is as due")
    func gap() {
        var check = SequenceCheck()
        #expect(check.accept(0) == .next)
        #expect(check.accept(4) == .gap(3))
        #expect(check.accept(5) == .next)
    }

    @Test("A first message that is not number 0 is a gap")
    func start() {
        var check = SequenceCheck()
        #expect(check.accept(2) == .gap(2))
    }

    @Test("Two that changed places are a gap and a late one")
    func swapped() {
        var check = SequenceCheck()
        #expect([0, 2, 1, 3].map { check.accept($0) } == [.next, .gap(1), .late, .next])
    }

    @Test("The same message again is late, and changes nothing")
    func again() {
        var check = SequenceCheck()
        #expect([0, 0, 1].map { check.accept($0) } == [.next, .late, .next])
    }

    @Test("The largest number is no trap")
    func largest() {
        var check = SequenceCheck()
        #expect(check.accept(.max) == .gap(.max))
    }
}
