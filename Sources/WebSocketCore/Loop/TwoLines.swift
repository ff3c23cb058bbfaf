/// Two waiting lines: one for those that have wanted little lately, and one for the others.
///
/// Whoever serves them prefers the first for a part of its work, so that many that want as much as they get do not make one
/// wait that wants something now and then, and the others get the rest. Grows with what waits; confined to one thread.
public struct TwoLines<Element> {
    private var modest = WaitingLine<Element>()
    private var others = WaitingLine<Element>()

    /// Empty lines.
    public init() {}

    /// Whether nothing waits.
    public var isEmpty: Bool { modest.isEmpty && others.isEmpty }

    /// How many wait in the second line.
    public var otherCount: Int { others.count }

    /// Puts an element at the end of one of the two.
    public mutating func append(_ element: Element, isModest: Bool) {
        if isModest { modest.append(element) } else { others.append(element) }
    }

    /// Removes the element that has waited longest in the line that is preferred, or in the other one; `nil` when nothing
    /// waits.
    ///
    /// - Parameter wantsMuch: whether an element that was modest wants more than that by now; it goes to the others.
    public mutating func popFirst(prefersModest: Bool, unless wantsMuch: (Element) -> Bool = { _ in false }) -> Element?
    {
        guard prefersModest else { return others.popFirst() ?? modest.popFirst() }
        while let element = modest.popFirst() {
            guard wantsMuch(element) else { return element }
            others.append(element)
        }
        return others.popFirst()
    }
}

@available(*, unavailable)
extension TwoLines: Sendable {}
