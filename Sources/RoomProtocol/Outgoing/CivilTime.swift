/// A moment as clocks and calendars on the wall show it.
public struct CivilTime: Hashable, Sendable {
    /// 1 to 12.
    public let month: Int
    /// 1 to 31.
    public let day: Int
    /// 0 to 23.
    public let hour: Int
    /// 0 to 59.
    public let minute: Int
    /// 0 to 59.
    public let second: Int

    private static let secondsPerDay: Int64 = 86_400

    /// Converts a moment by the Gregorian calendar.
    ///
    /// - Parameters:
    ///   - seconds: since 1970-01-01T00:00:00Z, leap seconds not counted, also negative.
    ///   - offset: how many seconds the place is ahead of UTC at that moment.
    public init(secondsSince1970 seconds: Int64, offset: Int = 0) {
        let local = seconds &+ Int64(offset)
        let secondOfDay = Self.modulo(local, Self.secondsPerDay)
        hour = Int(secondOfDay / 3_600)
        minute = Int(secondOfDay / 60 % 60)
        second = Int(secondOfDay % 60)

        // Counted from 1 March of a year divisible by 400, so that leap days come last in every cycle of years.
        let daysFromMarch0000 = (local &- secondOfDay) / Self.secondsPerDay + 719_468
        let dayOfCycle = Self.modulo(daysFromMarch0000, 146_097)
        // Neither the 100th year but the 400th nor the others but each 4th have a leap day to be left out here.
        let year = (dayOfCycle - dayOfCycle / 1_460 + dayOfCycle / 36_524 - dayOfCycle / 146_096) / 365
        let dayOfYear = dayOfCycle - (365 * year + year / 4 - year / 100)
        // Months from March have 31, 30, 31, 30, 31 days, twice, and so on: 153 days in five.
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = Int(dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
        month = Int(monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9)
    }

    /// Appends `MM-DD HH:mm:ss`.
    func append(to text: inout [UInt8]) {
        Self.append(month, to: &text)
        text.append(UInt8(ascii: "-"))
        Self.append(day, to: &text)
        text.append(UInt8(ascii: " "))
        Self.append(hour, to: &text)
        text.append(UInt8(ascii: ":"))
        Self.append(minute, to: &text)
        text.append(UInt8(ascii: ":"))
        Self.append(second, to: &text)
    }

    private static func append(_ number: Int, to text: inout [UInt8]) {
        text.append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: number / 10 % 10))
        text.append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: number % 10))
    }

    /// The remainder that is never negative.
    private static func modulo(_ dividend: Int64, _ divisor: Int64) -> Int64 {
        let remainder = dividend % divisor
        return remainder < 0 ? remainder + divisor : remainder
    }
}
