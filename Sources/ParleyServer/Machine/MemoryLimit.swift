#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The memory that a process may have, in bytes, and who says so.
public struct MemoryLimit: Hashable, Sendable {
    /// What sets a limit.
    public enum Source: String, Sendable {
        /// The machine has no more.
        case physicalMemory = "the machine's memory"
        /// The control group of the process, or one around it: a container, a unit.
        case controlGroup = "the control group"
        /// `ulimit -v`.
        case addressSpace = "ulimit -v"
    }

    /// How much; below zero where the address space does not hold the threads of a server.
    public var bytes: Int
    /// Who says so.
    public var source: Source

    /// Composes a limit.
    public init(bytes: Int, source: Source) {
        self.bytes = bytes
        self.source = source
    }

    /// The least limit that this process has; `nil` when the system names none. Reads files; any thread.
    ///
    /// - Parameter mappedBytes: address space of the idle server, with all its threads.
    public static func find(mappedBytes: @autoclosure () -> Int) -> MemoryLimit? {
        var found: [MemoryLimit] = []
        let pages = sysconf(Int32(_SC_PHYS_PAGES))
        if pages > 0 {
            found.append(MemoryLimit(bytes: pages * Int(sysconf(Int32(_SC_PAGESIZE))), source: .physicalMemory))
        }
        let groups = SystemFile.text("/proc/self/cgroup")
        let files = ControlGroup.files(
            groups, controller: "memory", unified: "memory.max", legacy: "memory.limit_in_bytes")
        for path in files {
            // Without a limit it is "max".
            guard let bytes = Int(SystemFile.text(path).filter { !$0.isWhitespace }) else { continue }
            found.append(MemoryLimit(bytes: bytes, source: .controlGroup))
        }
        if let limit = addressSpace {
            let bytes = limit - mappedBytes() + MemoryPlan.idleBytes
            found.append(MemoryLimit(bytes: bytes, source: .addressSpace))
        }
        return found.min { $0.bytes < $1.bytes }
    }

    /// The process's own limit of its address space (`ulimit -v`); `nil` without one.
    public static var addressSpace: Int? {
        #if canImport(Glibc)
        let resource = __rlimit_resource_t(RLIMIT_AS.rawValue)
        #else
        let resource = RLIMIT_AS
        #endif
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur != rlim_t.max, limit.rlim_cur < rlim_t(Int.max) else {
            return nil
        }
        return Int(limit.rlim_cur)
    }
}
