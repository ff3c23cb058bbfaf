/// A message that has begun and not ended: what a connection needs only then, and pays for only then.
@usableFromInline
final class MessageUnderWay {
    var parser: FrameParser
    /// What has arrived of it, when it is not handed on where it lies.
    var bytes: [UInt8] = []
    var text = UTF8Validator()
    /// When it began, when it last grew, and how much of it was here then; `nil` before the first read has ended.
    var progress: Progress?

    struct Progress {
        var start: MonotonicInstant
        var last: MonotonicInstant
        var bytes: Int
    }

    init(_ parser: FrameParser) { self.parser = parser }
}

@available(*, unavailable)
extension MessageUnderWay: Sendable {}
