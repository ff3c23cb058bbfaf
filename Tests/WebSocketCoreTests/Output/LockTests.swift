import Testing
import WebSocketCore

@Suite("The lock", .timeLimit(.minutes(5)))
struct LockTests {
    @Test("Everybody who holds the value holds it alone")
    func alone() async {
        let lock = Shared()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask { for _ in 0..<10_000 { lock.value.withLock { $0 += 1 } } }
            }
        }
        #expect(lock.value.withLock { $0 } == 40_000)
    }

    private final class Shared: Sendable {
        let value = Lock(0)
    }
}
