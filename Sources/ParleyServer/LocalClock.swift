import RoomProtocol

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The wall clock in the server's time zone.
enum LocalClock {
    static func now() -> CivilTime {
        var seconds = time(nil)
        var parts = tm()
        localtime_r(&seconds, &parts)
        return CivilTime(secondsSince1970: Int64(seconds), offset: Int(parts.tm_gmtoff))
    }
}
