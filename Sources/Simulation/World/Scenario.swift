import Channels
import PusherProtocol

/// What a run is like, as far as its seed decides that at the beginning.
struct Scenario {
    static let channelNames = ["news", "private-talk", "presence-room", "cache-price", "private-cache-state"]

    let nodeCount: Int
    /// Whether the nodes share the store's process, as the server's own engine does: nothing is lost then.
    let isLossless: Bool
    /// Whether the network to the store has no faults.
    let isCalm: Bool
    /// Whether the store keeps less than the channels may.
    let hasSmallBudget: Bool
    let retention: Retention
    let clientCount: Int
    let tellsCounts: Bool
    /// Milliseconds between two publishes, on average.
    let publishInterval: Int
    /// Milliseconds between two things that a client does, on average.
    let clientInterval: Int
    /// Milliseconds between two faults, on average.
    let faultInterval: Int
    let page: Int
    let gate: Int
    let gateBytes: Int
    let stream: Int

    init(_ random: inout SeededRandom) {
        func one<Item>(of items: [Item], _ random: inout SeededRandom, else fallback: Item) -> Item {
            random.pick(items) ?? fallback
        }
        nodeCount = random.within(2...3)
        isLossless = random.chance(150)
        isCalm = random.chance(100)
        hasSmallBudget = random.chance(80)
        retention = Retention(
            publications: one(of: [0, 1, 3, 10, 40, 100, 100], &random, else: 100),
            milliseconds: one(of: [600, 3_000, 20_000, 300_000, 300_000], &random, else: 300_000),
            bytes: one(of: [600, 3_000, 20_000, 1 << 20, 1 << 20], &random, else: 1 << 20))
        clientCount = random.within(3...7)
        tellsCounts = random.chance(300)
        publishInterval = one(of: [20, 60, 150], &random, else: 60)
        clientInterval = one(of: [40, 120, 300], &random, else: 120)
        faultInterval = one(of: [300, 1_000, 3_000], &random, else: 1_000)
        page = one(of: [1, 2, 5, 300], &random, else: 300)
        gate = one(of: [6, 30, 2_000], &random, else: 2_000)
        gateBytes = one(of: [3_000, 1 << 20], &random, else: 1 << 20)
        stream = one(of: [2, 10, 1_000], &random, else: 1_000)
    }

    /// Makes the bounds of the product what this run wants.
    func setBounds() {
        Bound.reset()
        Bound.page.set(page)
        Bound.gate.set(gate)
        Bound.gateBytes.set(gateBytes)
        Bound.stream.set(stream)
    }
}
