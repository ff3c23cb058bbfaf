/// What ``FrameParser`` found next.
public enum FrameEvent: Hashable, Sendable {
    /// The input holds nothing more that is whole: keep what was not consumed and come back with more bytes.
    case needsInput
    /// A piece of a data message.
    case data(DataPiece)
    /// A whole control frame; the range is its payload in the output.
    case control(Opcode, Range<Int>)

    /// A piece of a data frame's payload, unmasked; a frame that arrives in one read is one piece.
    public struct DataPiece: Hashable, Sendable {
        /// The kind of the message that the piece belongs to.
        public var kind: MessageKind
        /// Where the piece lies in the output.
        public var range: Range<Int>
        /// Whether this is the whole message: its only frame, in one piece.
        public var isWholeMessage: Bool
        /// Whether the message ends with this piece.
        public var endsMessage: Bool
        /// Whether the message is compressed (RSV1 on its first frame, RFC 7692 §6).
        public var isCompressed: Bool

        /// Composes a piece.
        public init(
            kind: MessageKind, range: Range<Int>, isWholeMessage: Bool, endsMessage: Bool, isCompressed: Bool
        ) {
            self.kind = kind
            self.range = range
            self.isWholeMessage = isWholeMessage
            self.endsMessage = endsMessage
            self.isCompressed = isCompressed
        }
    }
}
