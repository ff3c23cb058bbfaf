/// What a publication of a run is called: its data begin with it, so that whoever gets them can tell what they are.
///
/// `pREQUEST.ENTRY:` in digits; what follows is filling.
struct PayloadName: Hashable {
    /// The number of the request, unique in a run.
    let request: Int
    /// The place in the request.
    let entry: Int

    init(request: Int, entry: Int) {
        self.request = request
        self.entry = entry
    }

    /// Reads the name back from data; `nil` when they have none.
    init?(_ data: some Collection<UInt8>) {
        var rest = data[...]
        guard rest.popFirst() == UInt8(ascii: "p"), let request = Self.number(&rest),
            rest.popFirst() == UInt8(ascii: "."), let entry = Self.number(&rest), rest.first == UInt8(ascii: ":")
        else { return nil }
        self.init(request: request, entry: entry)
    }

    var text: [UInt8] { Array("p\(request).\(entry):".utf8) }

    private static func number<Bytes: Collection<UInt8>>(_ bytes: inout Bytes) -> Int?
    where Bytes.SubSequence == Bytes {
        var number: Int?
        while let byte = bytes.first, (0x30...0x39).contains(byte) {
            number = (number ?? 0) &* 10 &+ Int(byte &- 0x30)
            bytes = bytes.dropFirst()
        }
        return number
    }
}
