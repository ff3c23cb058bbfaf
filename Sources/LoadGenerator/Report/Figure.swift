/// Numbers as people read them, without a locale.
enum Figure {
    /// With so many decimals; what is no number becomes 0.
    static func fixed(_ value: Double, _ decimals: Int) -> String {
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let scaled = (value * scale).rounded()
        guard let whole = Int(exactly: scaled) else { return "0" }
        let digits = String(whole.magnitude)
        let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
        let sign = whole < 0 ? "-" : ""
        guard decimals > 0 else { return sign + padded }
        return sign + padded.dropLast(decimals) + "." + padded.suffix(decimals)
    }

    /// With at most three decimals, and none that says nothing.
    static func short(_ value: Double) -> String {
        var text = fixed(value, 3)
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return text
    }

    /// A whole number with a comma at each thousand.
    static func grouped(_ value: Int) -> String {
        var text = ""
        for (index, digit) in String(value.magnitude).reversed().enumerated() {
            if index > 0, index.isMultiple(of: 3) { text.append(",") }
            text.append(digit)
        }
        return (value < 0 ? "-" : "") + String(text.reversed())
    }

    /// A rate: whole from 100 on, with one decimal below.
    static func rate(_ value: Double) -> String {
        value >= 100 ? Int(exactly: value.rounded()).map(grouped) ?? "0" : fixed(value, 1)
    }

    /// A time of so many nanoseconds, with three digits and a unit.
    static func time(_ nanoseconds: UInt64) -> String {
        let value = Double(nanoseconds)
        switch nanoseconds {
        case ..<1_000_000: return threeDigits(value / 1e3) + " µs"
        case ..<1_000_000_000: return threeDigits(value / 1e6) + " ms"
        default: return threeDigits(value / 1e9) + " s"
        }
    }

    /// A size in the largest unit that it fills.
    static func size(_ bytes: Int) -> String {
        switch bytes {
        case ..<1024: return "\(bytes) B"
        case ..<1_048_576: return short((Double(bytes) / 1024 * 10).rounded() / 10) + " KiB"
        default: return short((Double(bytes) / 1_048_576 * 10).rounded() / 10) + " MiB"
        }
    }

    private static func threeDigits(_ value: Double) -> String {
        fixed(value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0)
    }
}
