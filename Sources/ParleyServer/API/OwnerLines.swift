import WebSocketCore

/// What waits for several owners, apps for example: they take turns, and what waits for one of them goes in its order.
///
/// Grows with what waits: the owner of the lines sets the bound. No thread of its own.
struct OwnerLines<Element> {
    private var waiting: [Int: WaitingLine<Element>] = [:]
    /// The owners that have something waiting; the first one's turn is next.
    private var order = WaitingLine<Int>()

    /// Whether nothing waits.
    var isEmpty: Bool { order.isEmpty }

    /// Puts an element at the end of its owner's line.
    mutating func append(_ element: Element, of owner: Int) {
        if waiting[owner] == nil { order.append(owner) }
        waiting[owner, default: WaitingLine()].append(element)
    }

    /// Removes the first element of the owner whose turn it is; `nil` when nothing waits.
    mutating func popFirst() -> Element? {
        guard let owner = order.popFirst(), let element = waiting[owner]?.popFirst() else { return nil }
        if waiting[owner]?.isEmpty == true {
            waiting[owner] = nil
        } else {
            order.append(owner)
        }
        return element
    }
}

extension OwnerLines: Sendable where Element: Sendable {}
