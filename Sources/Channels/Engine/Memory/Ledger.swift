import Synchronization
import WebSocketCore

/// What a store knows of all its channels together: how much is kept and by whom, what is due next, who is occupied.
///
/// Any thread, also with a channel's lock held.
final class Ledger: Sendable {
    let expiring = TimeQueue(.expiring)
    /// Records of channels without anybody and anything.
    let idle = TimeQueue(.idle)
    let occupied = OccupiedChannels()
    private let secret: KeyedHash
    private let accounts: Lock<[[UInt8]: Account]>
    private let bytes = Atomic(0)
    private let positions = Atomic(0)
    private let version = Atomic<UInt64>(0)

    /// - Parameters:
    ///   - namespaces: those that have a share from the beginning; others get theirs with their first channel.
    ///   - secret: what epochs of channels without publications are made of.
    init(namespaces: [[UInt8]], secret: KeyedHash) {
        self.secret = secret
        accounts = Lock(
            Dictionary(
                namespaces.map { ($0, Account(namespace: $0, secret: secret)) }, uniquingKeysWith: { first, _ in first }
            ))
    }

    /// What everything that is kept takes.
    var keptBytes: Int { bytes.load(ordering: .relaxed) }
    /// Channels without a record whose positions are remembered.
    var positionCount: Int { positions.load(ordering: .relaxed) }

    /// A namespace's account; it gets one if it has none. Namespaces are an operator's, not a stranger's.
    func account(of namespace: [UInt8]) -> Account {
        accounts.withLock { accounts in
            if let account = accounts[namespace] { return account }
            let account = Account(namespace: namespace, secret: secret)
            accounts[namespace] = account
            return account
        }
    }

    /// How many namespaces share everything; at least 1.
    var accountCount: Int { max(1, accounts.withLock { $0.count }) }

    /// The namespace that has most of something: all shares are equal, so it is the one that is most above its own. Of
    /// two the first by name.
    func largestAccount(_ amount: (Account) -> Int) -> Account? {
        accounts.withLock { accounts in
            accounts.values.max { left, right in
                let (first, second) = (amount(left), amount(right))
                return first == second
                    ? right.namespace.lexicographicallyPrecedes(left.namespace) : first < second
            }
        }
    }

    /// Every account does something.
    func forEachAccount(_ body: (Account) -> Void) {
        for account in accounts.withLock({ Array($0.values) }) { body(account) }
    }

    /// A namespace keeps so much more, or less.
    func charge(_ count: Int, to account: Account) {
        guard count != 0 else { return }
        bytes.wrappingAdd(count, ordering: .relaxed)
        account.charge(count)
    }

    /// A namespace has so many more remembered positions, or fewer.
    func countPositions(_ change: Int, of account: Account) {
        positions.wrappingAdd(change, ordering: .relaxed)
        charge(change &* PositionMemory.bytesEach, to: account)
    }

    /// The highest version of presence that any dropped record had: new ones begin there.
    var presenceVersion: UInt64 { version.load(ordering: .relaxed) }

    /// A record with this version of presence is dropped.
    func dropped(presenceVersion: UInt64) { version.max(presenceVersion, ordering: .relaxed) }
}
