import Testing

@testable import PusherProtocol

@Suite("The memory for answers without a fixed length", .timeLimit(.minutes(5)))
struct AnswerBudgetTests {
    private let least = AnswerBudget.leastBytes

    @Test("An app always gets one, of any length, and gives it back with the lease")
    func first() throws {
        let budget = AnswerBudget(bytes: 1_000)
        do {
            let lease = try #require(budget.claim(.channels, of: "1"))
            #expect(lease.settle(.channels, bytes: 50_000_000))
            #expect(budget.taken == 50_000_000)
            #expect(budget.claim(.channels, of: "1") == nil)
            #expect(budget.claim(.users, of: "1") == nil, "whatever it asks for")
            #expect(budget.claim(.channels, of: "2") != nil, "another app has one, too")
            withExtendedLifetime(lease) {}
        }
        #expect(budget.taken == 0)
    }

    @Test("The next answer claims what the last one of its kind took")
    func learned() throws {
        let budget = AnswerBudget(bytes: 40 * least)
        do {
            let lease = try #require(budget.claim(.channels, of: "1"))
            #expect(budget.taken == least)
            #expect(lease.settle(.channels, bytes: 3 * least))
        }
        let lease = try #require(budget.claim(.channels, of: "1"))
        #expect(budget.taken == 3 * least)
        let other = try #require(budget.claim(.history, of: "1"))
        #expect(budget.taken == 4 * least)
        #expect(lease.settle(.channels, bytes: 5))
        #expect(budget.taken == least + 5)
        withExtendedLifetime((lease, other)) {}
    }

    @Test("Alone an app fills half; what turned out too long is given up, and its claim with it")
    func share() throws {
        let budget = AnswerBudget(bytes: 40 * least)
        var leases = (0..<30).compactMap { _ in budget.claim(.channels, of: "1") }
        #expect(leases.count == 20)
        #expect((0..<30).compactMap { _ in budget.claim(.channels, of: "2") }.count == 10)
        #expect(!leases[0].settle(.channels, bytes: 30 * least))
        #expect(budget.taken == 20 * least)
        leases.removeAll()
        #expect(budget.taken == 0)
    }
}
