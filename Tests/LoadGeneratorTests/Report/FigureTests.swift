import Testing

@testable import LoadGenerator

@Suite("Numbers in words", .timeLimit(.minutes(5)))
struct FigureTests {
    @Test(
        "Decimals are fixed and rounded",
        arguments: [
            (0.0, 2, "0.00"), (1.005, 1, "1.0"), (0.049, 1, "0.0"), (0.05, 1, "0.1"), (12.345, 2, "12.35"),
            (9.99, 1, "10.0"),
            (1234.5, 0, "1235"), (-0.25, 2, "-0.25"), (.nan, 1, "0"), (.infinity, 1, "0"),
        ])
    func fixed(value: Double, decimals: Int, text: String) {
        #expect(Figure.fixed(value, decimals) == text)
    }

    @Test("Decimals that say nothing are left out", arguments: [(5.0, "5"), (0.5, "0.5"), (300.0, "300"), (0.0, "0")])
    func short(value: Double, text: String) {
        #expect(Figure.short(value) == text)
    }

    @Test(
        "Thousands are separated",
        arguments: [
            (0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567"), (-1000, "-1,000"),
        ])
    func grouped(value: Int, text: String) {
        #expect(Figure.grouped(value) == text)
    }

    @Test(
        "Times have three digits and a unit",
        arguments: [
            (UInt64(0), "0.00 µs"), (950, "0.95 µs"), (12_340, "12.3 µs"), (999_000, "999 µs"), (1_500_000, "1.50 ms"),
            (99_960_000, "100 ms"), (2_000_000_000, "2.00 s"),
        ])
    func time(nanoseconds: UInt64, text: String) {
        #expect(Figure.time(nanoseconds) == text)
    }

    @Test(
        "Sizes are in the largest unit that they fill",
        arguments: [
            (64, "64 B"), (1023, "1023 B"), (1024, "1 KiB"), (60_000, "58.6 KiB"), (16_777_216, "16 MiB"),
        ])
    func size(bytes: Int, text: String) {
        #expect(Figure.size(bytes) == text)
    }
}
