import Synchronization

/// How much memory the compression windows of a node's connections may take together.
///
/// One object a node, shared by the loops; every method may be called on any thread. Memory is counted by zlib's own
/// formulas when the extension is accepted, although the streams come to life with the first message: a node that
/// accepted a connection can always afford it. What has no context takeover is shared by a loop and not counted.
public final class CompressionBudget: Sendable {
    /// 256 MiB: room for about 870 connections with a window of 15 bits both ways.
    public static let defaultBytes = 256 << 20

    /// The limit in bytes.
    public let limitBytes: Int

    private let reserved = Atomic<Int>(0)

    /// A budget of which nothing is reserved; a negative limit counts as 0, with which every request is refused.
    public init(bytes: Int = defaultBytes) {
        limitBytes = max(bytes, 0)
    }

    /// How many bytes are reserved now.
    public var reservedBytes: Int { reserved.load(ordering: .relaxed) }

    /// Takes `bytes` (0 or more) out of the budget; `false`, and nothing changes, when less than that is left.
    public func reserve(_ bytes: Int) -> Bool {
        var current = reserved.load(ordering: .relaxed)
        while bytes <= limitBytes - current {
            let attempt = reserved.weakCompareExchange(
                expected: current, desired: current + bytes, ordering: .relaxed)
            if attempt.exchanged { return true }
            current = attempt.original
        }
        return false
    }

    /// Gives back what ``reserve(_:)`` took.
    public func release(_ bytes: Int) {
        reserved.subtract(bytes, ordering: .relaxed)
    }

    /// What a compressor takes, in bytes: the formula of zlib's `zconf.h`, and 6 KiB for its small objects.
    public static func deflateBytes(windowBits: Int, memoryLevel: Int) -> Int {
        (1 << (windowBits + 2)) + (1 << (memoryLevel + 9)) + (6 << 10)
    }

    /// What a decompressor takes, in bytes: the formula of zlib's `zconf.h`, and 7 KiB for its small objects.
    public static func inflateBytes(windowBits: Int) -> Int {
        (1 << max(windowBits, 9)) + (7 << 10)
    }
}
