import Foundation
import WebSocketCore

/// Lines on their way to a descriptor. A reader that has stopped delays nobody who writes one.
///
/// A thread of the queue's own writes them in order, each with one call. The queue holds 1 MiB; what does not fit is
/// dropped and counted, and so is every line after it until the queue is empty again. Then one line says how many are
/// missing, and so it does when lines could not be written, on a full disk, and one can again. Any thread.
final class LineQueue: TextOutputStream, Sendable {
    private enum Intake {
        case keeping
        case dropping(count: Int)
    }

    private struct State {
        var lines: [String] = []
        /// What the queued lines take, with the one that is being written.
        var bytes = 0
        var intake = Intake.keeping

        var isIdle: Bool {
            if case .keeping = intake { bytes == 0 } else { false }
        }

        /// - Returns: whether the thread has to be woken.
        mutating func append(_ line: String) -> Bool {
            switch intake {
            // One line alone may be longer.
            case .keeping where bytes == 0 || bytes + LineQueue.size(of: line) <= LineQueue.limit:
                lines.append(line)
                bytes += LineQueue.size(of: line)
                return lines.count == 1
            case .keeping:
                intake = .dropping(count: 1)
            case .dropping(let count):
                intake = .dropping(count: count + 1)
            }
            return false
        }

        /// What is written next, all that is there; `nil` when the thread has nothing to do.
        mutating func next() -> [String]? {
            if lines.isEmpty, case .dropping(let count) = intake {
                intake = .keeping
                _ = append(LineQueue.note(count, "nobody read them in time"))
            }
            defer { lines = [] }
            return lines.isEmpty ? nil : lines
        }
    }

    private static let limit = 1 << 20
    /// What a line takes beside its bytes.
    private static let overhead = 64

    private let descriptor: Int32
    private let state = Lock(State())
    private let work = DispatchSemaphore(value: 0)

    /// Whether everything has been written.
    var isIdle: Bool { state.withLock { $0.isIdle } }

    /// A queue with its thread, which ends with the process.
    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        Thread.detachNewThread { self.run() }
    }

    /// Takes a whole line, with its newline.
    func write(_ line: String) {
        if state.withLock({ $0.append(line) }) { work.signal() }
    }

    private func run() -> Never {
        // Lines in a row that could not be written; of the first a part may have been.
        var lost = 0
        while true {
            while let lines = state.withLock({ $0.next() }) {
                for line in lines {
                    if lost > 0,
                        Streams.write("\n" + Self.note(lost, "they could not be written"), to: descriptor) == nil
                    {
                        lost = 0
                    }
                    if lost > 0 || Streams.write(line, to: descriptor) != nil { lost += 1 }
                    state.withLock { $0.bytes -= Self.size(of: line) }
                }
            }
            work.wait()
        }
    }

    private static func size(of line: String) -> Int { line.utf8.count + overhead }

    /// In the form of the log's other lines.
    private static func note(_ lost: Int, _ reason: String) -> String {
        var now = time(nil)
        var local = tm()
        localtime_r(&now, &local)
        var text = [CChar](repeating: 0, count: 64)
        let count = strftime(&text, text.count, "%Y-%m-%dT%H:%M:%S%z", &local)
        let timestamp = String(decoding: text[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return "\(timestamp) warning parley: lines=\(lost) [parley] lines are missing here: \(reason)\n"
    }
}
