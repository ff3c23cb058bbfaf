/// How many messages of each publisher the subscribers of a loop have got since the publishers were told last.
struct DeliveryTally {
    private var counts: [Int]
    /// Whether there is something to tell.
    private(set) var isEmpty = true

    init(publishers: Int) { counts = [Int](repeating: 0, count: publishers) }

    /// So many messages of this publisher have arrived, or never will.
    mutating func add(_ count: Int, of publisher: Int) {
        counts[publisher] += count
        isEmpty = false
    }

    /// Gives what has come together for each publisher, and begins anew.
    mutating func drain(_ body: (_ publisher: Int, _ count: Int) -> Void) {
        isEmpty = true
        for publisher in counts.indices where counts[publisher] > 0 {
            body(publisher, counts[publisher])
            counts[publisher] = 0
        }
    }
}
