/// What must hold after every step; the numbers are those of the delivery specification.
public enum Invariant: String, CaseIterable, Sendable {
    /// What was acknowledged is readable at its position until retention removes it or the epoch changes.
    case acknowledgedIsKept = "I1"
    /// One payload at each position, on all nodes.
    case onePayloadEach = "I2"
    /// The offsets of an epoch are 1, 2, 3 …
    case denseOffsets = "I3"
    /// A subscriber sees offsets that rise by 1, or is told first.
    case deliveryOrder = "I4"
    /// Who is told that it recovered gets everything.
    case completeRecovery = "I5"
    /// Who is told that it did not gets the truth about the gap, and never a part of it.
    case honestGap = "I6"
    /// Nothing is missing or doubled between what is replayed and what is live.
    case seam = "I7"
    /// One publication for an idempotency key, on any node.
    case onePublicationForKey = "I8"
    /// A publish of unknown outcome is wholly there or wholly absent.
    case allOrNothing = "I9"
    /// A resumed session is authorised again.
    case authorisedAgain = "I10"
    /// Presence becomes who is there; joined and left alternate.
    case presence = "I11"
    /// No byte of a channel reaches a connection without a right to it.
    case authorisation = "I12"
    /// No queue, history, timer or map passes its cap, and none is left over.
    case bounds = "I13"
    /// When the faults stop everybody reaches the top, and every publish has its answer.
    case liveness = "I14"
    /// What is sent is what the wire protocol says.
    case wire = "wire"
}
