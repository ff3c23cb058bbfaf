/// The place in a loop where ``LoopLocal`` keeps its values. Touched on the loop's thread only.
public final class LoopLocals: @unchecked Sendable {
    /// With their keys, so that no other key gets the same identifier while they are here.
    private var values: [ObjectIdentifier: (key: AnyObject, value: AnyObject)] = [:]

    /// An empty place.
    public init() {}

    subscript(key: AnyObject) -> AnyObject? {
        get { values[ObjectIdentifier(key)]?.value }
        set { values[ObjectIdentifier(key)] = newValue.map { (key, $0) } }
    }
}
