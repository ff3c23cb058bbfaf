import Logging
import ParleyServer

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// The memory that this process may have, and what follows from it.
enum MemoryBound {
    /// Found before the first thread begins: what is mapped later belongs to the server.
    private static let limit = MemoryLimit.find(mappedBytes: mappedBytes())

    private static let cures: [MemoryLimit.Source: String] = [
        .physicalMemory: "a machine with more memory",
        .controlGroup: "more memory for its container or unit (--memory, MemoryMax=)",
        .addressSpace: "a larger ulimit -v",
    ]

    /// Ends the process with a line that says why when the server would end for want of memory sooner or later. To be
    /// called before there is a second thread.
    static func check() {
        #if canImport(Glibc)
        if MemoryLimit.addressSpace != nil { useOneArena() }
        #endif
        guard let limit, limit.bytes < MemoryPlan.minimumBytes else { return }
        let missing = mebibytes(MemoryPlan.minimumBytes - limit.bytes)
        StandardError.print(
            """
            parley: this process has too little memory: \(limit.source.rawValue) leaves it \(max(0, mebibytes(limit.bytes))) MiB, \
            and a server needs \(mebibytes(MemoryPlan.minimumBytes)) MiB. Give it \(missing) MiB more: \
            \(cures[limit.source] ?? "").
            """)
        // EX_OSERR
        exit(71)
    }

    /// Lowers the budgets that the operator has not set to what fits, and says so.
    static func divide(
        among configuration: inout ParleyConfiguration, _ settings: ServerSettings, descriptors: Int, _ logger: Logger
    ) {
        guard let limit else { return }
        let plan = MemoryPlan(
            memoryBytes: limit.bytes, descriptors: descriptors, processors: ProcessorLimit.count, settings: settings,
            configuration: &configuration)
        let cure = cures[limit.source] ?? ""
        var metadata: Logger.Metadata = [
            "memory": "\(mebibytes(limit.bytes)) MiB", "limited_by": "\(limit.source.rawValue)",
        ]
        if plan.missingBytes > 0 {
            var metadata = metadata
            metadata["missing"] = "\(mebibytes(plan.missingBytes)) MiB"
            metadata["cure"] = "\(cure), or lower what is set"
            logger.warning("the limits that are set may take more memory than there is", metadata: metadata)
        }
        guard !plan.lowered.isEmpty else { return }
        for lowered in plan.lowered { metadata[lowered.setting] = "\(lowered.value)" }
        metadata["cure"] = "\(cure), or set them"
        logger.notice("defaults are lowered to what memory there is", metadata: metadata)
    }

    private static func mebibytes(_ bytes: Int) -> Int { (bytes + (1 << 20) - 1) >> 20 }

    /// Address space that the idle server has with all its threads.
    private static func mappedBytes() -> Int {
        var attributes = pthread_attr_t()
        var stack = 0
        pthread_attr_init(&attributes)
        pthread_attr_getstacksize(&attributes, &stack)
        pthread_attr_destroy(&attributes)
        return SystemFile.pages().mapped * Int(sysconf(Int32(_SC_PAGESIZE))) + ThreadLimit.needed * stack
    }

    #if canImport(Glibc)
    /// Each arena of the C library's allocator reserves 64 MiB of address space, eight for each processor.
    private static func useOneArena() {
        // Swift's Glibc module does not export it.
        guard let symbol = dlsym(nil, "mallopt") else { return }
        let arenaMaximum: Int32 = -8
        _ = unsafeBitCast(symbol, to: (@convention(c) (Int32, Int32) -> Int32).self)(arenaMaximum, 1)
    }
    #endif
}
