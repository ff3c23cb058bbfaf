#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Short files in which the system says something about this process.
public enum SystemFile {
    /// The first 4 KiB of a file as text; empty when it cannot be read.
    public static func text(_ path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    /// The pages that this process has mapped, and those that are in memory: `/proc/self/statm`; 0 where there is none.
    public static func pages() -> (mapped: Int, resident: Int) {
        let numbers = text("/proc/self/statm").split(separator: " ").prefix(2).map { Int($0) ?? 0 }
        return numbers.count == 2 ? (numbers[0], numbers[1]) : (0, 0)
    }
}
