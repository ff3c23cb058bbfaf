import Foundation
import Testing

@testable import RoomProtocol

@Suite("Times", .timeLimit(.minutes(5)))
struct CivilTimeTests {
    private func text(_ time: CivilTime) -> String {
        var text: [UInt8] = []
        time.append(to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    @Test(
        "A time is MM-DD HH:mm:ss in the server's time zone",
        arguments: [
            (0, 0, "01-01 00:00:00"),
            (-1, 0, "12-31 23:59:59"),
            (951_782_399, 0, "02-28 23:59:59"),
            (951_782_400, 0, "02-29 00:00:00"),
            (951_868_800, 0, "03-01 00:00:00"),
            (4_107_542_399, 0, "02-28 23:59:59"),
            (4_107_542_400, 0, "03-01 00:00:00"),
            (1_707_498_485, 0, "02-09 17:08:05"),
            (1_707_498_485, 8 * 3600, "02-10 01:08:05"),
            (1_704_067_199, 3600, "01-01 00:59:59"),
            (1_704_067_200, -3600, "12-31 23:00:00"),
            (1_707_498_485, 5 * 3600 + 1800, "02-09 22:38:05"),
        ] as [(Int64, Int, String)])
    func format(seconds: Int64, offset: Int, expected: String) {
        #expect(text(CivilTime(secondsSince1970: seconds, offset: offset)) == expected)
    }

    @Test("Every day of 800 years is what the system's calendar says")
    func calendar() throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(secondsFromGMT: 0))
        // Every 29th day meets every day of the year in 800 years, and every kind of year.
        for day in stride(from: Int64(-300 * 365), to: 500 * 366, by: 29) {
            let seconds = day * 86_400 + 3_661
            let parts = calendar.dateComponents(
                [.month, .day, .hour, .minute, .second], from: Date(timeIntervalSince1970: TimeInterval(seconds)))
            let time = CivilTime(secondsSince1970: seconds)
            try #require(
                [time.month, time.day, time.hour, time.minute, time.second]
                    == [parts.month, parts.day, parts.hour, parts.minute, parts.second], "\(seconds)")
        }
    }

    @Test("No moment is too far away", arguments: [Int64.min, .max, .min + 86_400, .max - 86_400])
    func extremes(seconds: Int64) {
        for offset in [-50_400, 0, 50_400] {
            let time = CivilTime(secondsSince1970: seconds, offset: offset)
            #expect((1...12).contains(time.month) && (1...31).contains(time.day) && (0..<24).contains(time.hour))
        }
    }
}
