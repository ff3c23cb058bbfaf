/// Bugs that can be switched on, one at a time, to see whether the simulation finds them.
///
/// In a build without `PLANTED_BUGS` every question is the constant `false`, and nothing of them is left in a program.
package enum PlantedBug: String, CaseIterable, Sendable {
    // The seam between what is replayed and what is live.
    /// What comes live while a subscription begins is not held back.
    case skipGate
    /// What was held is released from the last publication of the replay on, not from the one after it.
    case doubleAtSeam
    /// A replay leaves one out.
    case skipInReplay
    /// What a full gate can not hold is dropped, and nobody is told.
    case dropAtFullGate
    /// A gate holds any number.
    case endlessGate

    // What a subscriber is told that it has missed.
    /// A recovery is announced although its beginning is not kept any more.
    case recoverTrimmed
    /// The epoch of a position is not looked at.
    case ignoreEpoch
    /// A gap begins one too late.
    case shiftGap
    /// A loss on the way to a node is not announced.
    case hideLoss
    /// A loss that a start has covered is announced once more.
    case repeatLoss

    // The order of what a node is told.
    /// What comes after a hole goes out at once.
    case ignoreHole
    /// What came too early goes out in the order in which it came.
    case releaseUnsorted
    /// Two deliveries of one shard change places.
    case swapDeliveries

    // Who gets what.
    /// Deliveries go on after a subscriber has left.
    case deliverAfterLeave
    /// Who is left out of a publication is not told its position.
    case forgetExcluded
    /// Nobody is left out.
    case deliverToExcluded
    /// Every signature is good.
    case acceptAnySignature
    /// Who reads the history from a position that is not kept any more is told that it has everything.
    case hideHistoryGap
    /// Who reads the history from a position of another log gets what stands there in this one.
    case ignoreHistoryEpoch

    // The log.
    /// An offset is used twice.
    case reuseOffset
    /// Trimming drops one too many.
    case trimOneMore
    /// A channel keeps more than it may.
    case neverTrim
    /// All entries of a request go to the channel of the first.
    case mixChannels
    /// A request of several entries fails after the first, which stays.
    case tearBatch
    /// A publish is acknowledged although the engine has not answered.
    case acknowledgeUnknown
    /// An idempotency key is forgotten after a second.
    case forgetKey
    /// An idempotency key stands for every body.
    case ignoreFingerprint

    // Presence and counts.
    /// A user's second connection joins once more.
    case joinTwice
    /// A user leaves with its first connection.
    case leaveTooEarly
    /// Nobody is told that the users of a dead node are gone.
    case hideDeadNode
    /// A node whose presence was lost does not enter it again.
    case neverReenter
    /// The end of the last subscription is not told.
    case neverVacate
    /// Who watches a user is not told that it went.
    case hideOffline

    #if PLANTED_BUGS
    /// The one that is switched on.
    nonisolated(unsafe) package static var current: PlantedBug?

    /// Whether a bug is switched on.
    package static func isOn(_ bug: PlantedBug) -> Bool { current == bug }
    #else
    /// Always `false` outside of simulations.
    @inlinable package static func isOn(_ bug: PlantedBug) -> Bool { false }
    #endif
}
