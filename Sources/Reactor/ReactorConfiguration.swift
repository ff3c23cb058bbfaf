#if os(Linux)
import Glibc

/// How a ``Reactor`` is laid out.
public struct ReactorConfiguration: Sendable {
    /// How many loops, each on a thread of its own; at least 1. Default one for each processor that is available.
    public var loops: Int
    /// The defaults.
    public init(loops: Int? = nil) { self.loops = max(1, loops ?? Self.availableProcessors) }

    private static var availableProcessors: Int { Int(max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
}
#endif
