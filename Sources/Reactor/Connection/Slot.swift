#if os(Linux)
import WebSocketCore

/// What a loop holds of one connection: all of it while the connection is idle, in 128 bytes.
struct Slot {
    var machine: ConnectionStateMachine
    /// `nil` when it has ended.
    var session: WebSocketSession?
    var connection: ReactorConnection?
    /// What only some connections need, and most of them only at times.
    var extras: Extras?
    /// What it is sent at the end of the tick; a slot that has some is on the list of those that are written to.
    var output: RunHandle?
    let tick: UnsafeMutablePointer<TickOutput>
    var descriptor: Int32
    let index: UInt32
    /// The neighbours in the timer wheel's list.
    var next: UInt32
    var previous: UInt32
    /// The timer wheel's list that it stands in.
    var timerList: UInt16
    var flags: Flags

    struct Flags: OptionSet {
        let rawValue: UInt16
        /// It is on the list of those that are written to at the end of the tick.
        static let isTouched = Flags(rawValue: 1 << 0)
        /// It ends at the end of the tick.
        static let isCondemned = Flags(rawValue: 1 << 1)
        /// Its input is being read: what the session does now must not read as well.
        static let isProcessing = Flags(rawValue: 1 << 2)
        /// The session takes nothing at the moment.
        static let isPaused = Flags(rawValue: 1 << 3)
        /// What is kept of the input begins with a frame: the session has paused between two of them.
        static let isBetweenFrames = Flags(rawValue: 1 << 4)
        /// The session has paused for so long that the socket is not read.
        static let socketIsNotRead = Flags(rawValue: 1 << 5)
        /// The last bytes have been read: the session is handed all of them.
        static let readingHasEnded = Flags(rawValue: 1 << 6)
        /// The peer has ended its side.
        static let inputHasEnded = Flags(rawValue: 1 << 7)
        /// Our side ends when everything has left.
        static let endsAfterWriting = Flags(rawValue: 1 << 8)
        /// Our side has ended.
        static let outputHasEnded = Flags(rawValue: 1 << 9)
        /// The session has seen that the peer does not keep up.
        static let wasUnwritable = Flags(rawValue: 1 << 10)
        /// It is on the list of those whose sessions are told something when the loop has written.
        static let isToBeTold = Flags(rawValue: 1 << 11)
        /// It is over; the slot is free as soon as nothing names it.
        static let hasEnded = Flags(rawValue: 1 << 12)
        /// Its output begins, or began, with an answer that lies in what is being read.
        static let answersInPlace = Flags(rawValue: 1 << 13)
        /// It is on the list of those that are read, or read on, when it is their turn.
        static let waitsForTurn = Flags(rawValue: 1 << 14)
    }

    /// What only some connections need, and most of them only at times.
    final class Extras {
        /// What was read and not consumed: an incomplete header or control frame of at most 139 bytes, or, while the
        /// session takes nothing or the peer is held, what has arrived since.
        var tail: [UInt8] = []
        /// What the peer does not take.
        var backlog: Backlog?
        /// The newest pong that could not be sent because output is blocked (RFC 6455 §5.5.3).
        var heldPong: [UInt8]?
        /// What the loop has counted for this connection's unfinished message.
        var accountedBytes = 0
        /// When the peer has lately sent faster than it may.
        var hold: ReadingHold?
        let codecs: MessageCodecs?

        init(codecs: MessageCodecs? = nil) { self.codecs = codecs }

        var isIdle: Bool {
            tail.isEmpty && backlog == nil && heldPong == nil && accountedBytes == 0 && hold == nil && codecs == nil
        }
    }
}

@available(*, unavailable)
extension Slot: Sendable {}
@available(*, unavailable)
extension Slot.Extras: Sendable {}
#endif
