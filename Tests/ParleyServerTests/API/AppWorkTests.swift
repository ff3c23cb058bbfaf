import Foundation
import Testing
import WebSocketCore

@testable import ParleyServer

@Suite("Work for several apps", .timeLimit(.minutes(5)))
struct AppWorkTests {
    @Test("Apps take turns, and each has its own done in order")
    func turns() {
        let work = AppWork(threads: 1, label: "test")
        let done = Lock<[String]>([])
        let (begins, ends) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        work.add(0) { begins.wait() }
        for number in 0..<5 { work.add(0) { done.withLock { $0.append("a\(number)") } } }
        for number in 0..<2 { work.add(1) { done.withLock { $0.append("b\(number)") } } }
        begins.signal()
        // Another one's comes last but for what is left of the first.
        work.add(2) { ends.signal() }
        ends.wait()
        work.add(0) { ends.signal() }
        ends.wait()
        let names = done.withLock { $0 }
        #expect(names.filter { $0.hasPrefix("a") } == (0..<5).map { "a\($0)" })
        #expect(names.firstIndex(of: "b0") ?? .max <= 1)
        #expect(names.firstIndex(of: "b1") ?? .max <= 4)
        #expect(names.count == 7)
    }

    @Test("Nothing is done while as much is being done as may be, and what comes after a rest is done as well")
    func threads() {
        let work = AppWork(threads: 2, label: "test")
        let (begun, ends) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        for _ in 0..<3 {
            work.add(0) {
                begun.signal()
                ends.wait()
            }
        }
        begun.wait()
        begun.wait()
        #expect(begun.wait(timeout: .now() + .milliseconds(50)) == .timedOut)
        ends.signal()
        begun.wait()
        ends.signal()
        ends.signal()
        for _ in 0..<100 {
            work.add(1) { begun.signal() }
            begun.wait()
        }
    }
}
