/// Elements that wait for their turn, the oldest first; removing the first moves no others.
///
/// Grows with what waits: the owner sets the bound. No thread of its own.
public struct WaitingLine<Element> {
    @usableFromInline var items: [Element?] = []
    @usableFromInline var head = 0

    /// An empty line.
    @inlinable public init() {}

    /// Whether nothing waits.
    @inlinable public var isEmpty: Bool { head == items.count }

    /// How many wait.
    @inlinable public var count: Int { items.count - head }

    /// The element that has waited longest; `nil` when nothing waits.
    @inlinable public var first: Element? { head < items.count ? items[head] : nil }

    /// Puts an element at the end.
    @inlinable public mutating func append(_ item: Element) { items.append(item) }

    /// Removes the element that has waited longest; `nil` when nothing waits.
    @inlinable public mutating func popFirst() -> Element? {
        guard head < items.count else { return nil }
        defer {
            items[head] = nil
            head += 1
            if head == items.count {
                (items, head) = ([], 0)
            } else if head >= 64, head * 2 >= items.count {
                items.removeFirst(head)
                head = 0
            }
        }
        return items[head]
    }
}

extension WaitingLine: Sendable where Element: Sendable {}
