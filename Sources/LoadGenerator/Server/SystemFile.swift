#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Small files of the system, as those under `/proc`.
enum SystemFile {
    /// The whole text, at most 64 KiB of it; `nil` when it can not be read.
    static func text(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { _ = close(descriptor) }
        var bytes: [UInt8] = []
        var isReadable = true
        while bytes.count < 65_536 {
            let piece = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
                let read = read(descriptor, buffer.baseAddress, buffer.count)
                isReadable = read >= 0
                count = max(0, read)
            }
            if piece.isEmpty { break }
            bytes += piece
        }
        return isReadable ? String(decoding: bytes, as: UTF8.self) : nil
    }

    /// The names in a directory; `nil` when it can not be read.
    static func names(in path: String) -> [String]? {
        guard let directory = opendir(path) else { return nil }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }
}
