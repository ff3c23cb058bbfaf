/// What a client event of a run is called: its data begin with `cCLIENT.NUMBER:`.
struct ClientEventName: Hashable {
    let client: Int
    let number: Int

    init(client: Int, number: Int) {
        self.client = client
        self.number = number
    }

    /// Reads it back; `nil` when data have no such name.
    init?(_ data: [UInt8]) {
        guard data.first == UInt8(ascii: "c"), let name = PayloadName([UInt8(ascii: "p")] + data.dropFirst()) else {
            return nil
        }
        self.init(client: name.request, number: name.entry)
    }

    var text: [UInt8] { Array("c\(client).\(number):".utf8) }
}
