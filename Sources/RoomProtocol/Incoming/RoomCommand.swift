public import Channels

/// What a text message from a client asks for.
public enum RoomCommand: Hashable, Sendable {
    /// Join under this profile, or change to it. It is safe to show, see ``PageText``. `resume` is what a page that
    /// joins wants of what was said before; `nil` when it did not ask.
    case join(Profile, resume: Resumption?)
    /// Say this text, which is safe to show.
    case say([UInt8], to: Addressee, attributes: [Attribute])
    /// Nothing: an empty message, a heartbeat, something that other servers understand.
    case ignored
    /// What is asked for can not be done.
    case refused(RoomError)

    /// Who is to get what is said.
    public enum Addressee: Hashable, Sendable {
        /// Everyone in the room.
        case all
        /// The member with this code.
        case member(MemberCode)
        /// `key` is missing or is no code that any member can have.
        case nobody
    }

    /// How many extras a message may carry; those after it are dropped.
    public static let maximumExtras = 8
    /// How long the name of an extra may be, in bytes; one with a longer name is dropped.
    public static let maximumExtraKeyBytes = 64
    /// How long the value of an extra may be, in bytes; a longer one is cut at the boundary of a character.
    public static let maximumExtraValueBytes = 256
    /// How many characters (Unicode scalar values) a name may have.
    ///
    /// Scalar values and not what looks like one character, of which a single one can have any number of bytes.
    public static let maximumNameCharacters = 64

    /// Members of the protocol, ours and those that clients send: an extra can have none of these names.
    private static let reservedKeys: Set<[UInt8]> = Set(
        [
            "type", "name", "code", "code1", "time", "users", "nrong", "msgid", "nr", "key", "ming", "pos", "resume",
        ].map { Array($0.utf8) })

    /// Reads a message, which is never wrong: what does not make sense is ignored or refused.
    ///
    /// Time and memory are linear in its length, whatever stands in it.
    public init(_ message: RawSpan) {
        var fields = Fields()
        var form = FormDecoder()
        while let pair = form.next(in: message) { fields.add(pair, of: message) }

        if let type = fields.type, FormDecoder.decodeTrimmed(type, of: message).elementsEqual("add".utf8) {
            self = Self.join(fields, in: message)
        } else {
            self = Self.say(fields, in: message)
        }
    }

    private static func join(_ fields: Fields, in message: RawSpan) -> RoomCommand {
        let given = fields.ming.map { FormDecoder.decode($0, of: message) } ?? []
        let name = PageText.label(given, maximumCharacters: maximumNameCharacters)
        guard !name.bytes.isEmpty else { return .refused(.nameMissing) }
        guard name.isWhole else { return .refused(.nameTooLong) }
        guard NameCharacters.areVisible(in: name.bytes) else { return .refused(.nameInvisible) }
        return .join(
            Profile(name: name.bytes, attributes: fields.attributes(in: message)),
            resume: fields.resume.map { Resumption($0, of: message) })
    }

    private static func say(_ fields: Fields, in message: RawSpan) -> RoomCommand {
        let key = fields.key.map { FormDecoder.decodeTrimmed($0, of: message) } ?? []
        guard let text = fields.nr, !text.isEmpty, !key.elementsEqual("heartbeat".utf8) else { return .ignored }
        let addressee: Addressee =
            if key.elementsEqual("all".utf8) { .all } else { MemberCode(key).map { .member($0) } ?? .nobody }
        return .say(
            PageText.message(FormDecoder.decode(text, of: message)), to: addressee,
            attributes: fields.attributes(in: message))
    }

    /// Where the values stand that count: of a key given twice, the last one's.
    private struct Fields {
        var type: Range<Int>?
        var ming: Range<Int>?
        var nr: Range<Int>?
        var key: Range<Int>?
        var resume: Range<Int>?
        var extras: [(key: [UInt8], value: Range<Int>)] = []
        private var decodedKey: [UInt8] = []

        mutating func add(_ pair: FormDecoder.Pair, of message: RawSpan) {
            // "%XX" takes three bytes for one. Longer keys can not matter, and are not worth decoding.
            guard pair.key.count <= 3 * maximumExtraKeyBytes else { return }
            decodedKey.removeAll(keepingCapacity: true)
            FormDecoder.append(pair.key, of: message, to: &decodedKey)
            switch decodedKey {
            case Self.typeKey: type = pair.value
            case Self.mingKey: ming = pair.value
            case Self.nrKey: nr = pair.value
            case Self.keyKey: key = pair.value
            case Self.resumeKey: resume = pair.value
            default: addExtra(pair.value)
            }
        }

        private mutating func addExtra(_ value: Range<Int>) {
            if let index = extras.firstIndex(where: { $0.key == decodedKey }) {
                extras[index].value = value
            } else if extras.count < maximumExtras, decodedKey.count <= maximumExtraKeyBytes,
                !reservedKeys.contains(decodedKey), PageText.isPlainKey(decodedKey)
            {
                extras.append((decodedKey, value))
            }
        }

        func attributes(in message: RawSpan) -> [Attribute] {
            extras.map { extra in
                let value = FormDecoder.decode(extra.value, of: message)
                return Attribute(
                    key: extra.key, value: PageText.label(value, maximumBytes: maximumExtraValueBytes).bytes)
            }
        }

        private static let typeKey = Array("type".utf8)
        private static let mingKey = Array("ming".utf8)
        private static let nrKey = Array("nr".utf8)
        private static let keyKey = Array("key".utf8)
        private static let resumeKey = Array("resume".utf8)
    }
}
