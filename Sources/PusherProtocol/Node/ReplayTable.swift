/// Which signatures of HTTP requests have been seen, for as long as they would be accepted once more.
///
/// Signatures are kept by the minute that they bear, so that whole minutes are forgotten at once. 16 of a signature's 32
/// bytes tell it apart; somebody who could make two of them alike could forge signatures.
struct ReplayTable: Sendable {
    private let capacity: Int
    private var minutes: [UInt64: Set<SIMD2<UInt64>>] = [:]
    private var count = 0

    init(capacity: Int) { self.capacity = capacity }

    mutating func take(_ signature: [UInt8], timestamp: UInt64, window: UInt64, now: UInt64) -> SignatureUse {
        forget(before: now > window ? now - window : 0)
        let key = SIMD2(Self.number(signature.prefix(8)), Self.number(signature.dropFirst(8).prefix(8)))
        let minute = timestamp / 60
        if minutes[minute]?.contains(key) == true { return .repeated }
        guard count < capacity else { return .full }
        minutes[minute, default: []].insert(key)
        count += 1
        return .first
    }

    private mutating func forget(before second: UInt64) {
        guard let oldest = minutes.keys.min(), oldest < second / 60 else { return }
        for minute in minutes.keys where minute < second / 60 {
            count -= minutes.removeValue(forKey: minute)?.count ?? 0
        }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
}
