/// What the room tells a client that asked for something impossible. The connection stays.
public struct RoomError: Error, Hashable, Sendable {
    private enum Reason: Hashable, Sendable {
        case nameMissing
        case nameTooLong
        case nameInvisible
        case notJoined
        case roomFull
        case addressFull
        case unknownAddressee
        case toOneself
        case messageTooLong
        case tooManyMessages
        case notKept
        case unanswered
        case roomUnreachable
    }

    private let reason: Reason

    /// A join without a name, or with one of nothing but control characters.
    public static let nameMissing = RoomError(reason: .nameMissing)
    /// A join with a name of more than ``RoomCommand/maximumNameCharacters``.
    public static let nameTooLong = RoomError(reason: .nameTooLong)
    /// A join with a name in which there is nothing to see: spaces, and characters that are not shown.
    public static let nameInvisible = RoomError(reason: .nameInvisible)
    /// Something said before joining.
    public static let notJoined = RoomError(reason: .notJoined)
    /// A join when the room has as many members as it may have.
    public static let roomFull = RoomError(reason: .roomFull)
    /// A join from an address that already has its maximum of the room's members.
    public static let addressFull = RoomError(reason: .addressFull)
    /// Something said to a code that nobody in the room has.
    public static let unknownAddressee = RoomError(reason: .unknownAddressee)
    /// Something said to oneself.
    public static let toOneself = RoomError(reason: .toOneself)
    /// A text that would make a push of more than ``RoomOptions/maximumSaidBytes``.
    public static let messageTooLong = RoomError(reason: .messageTooLong)
    /// More messages than the server takes from one connection; the carrier says when.
    public static let tooManyMessages = RoomError(reason: .tooManyMessages)

    /// Something said to all that the engine did not take.
    public static let notKept = RoomError(reason: .notKept)
    /// Something said to all to which the engine gave no answer: it may appear, or not.
    public static let unanswered = RoomError(reason: .unanswered)
    /// The engine does not answer to a join. The connection ends.
    public static let roomUnreachable = RoomError(reason: .roomUnreachable)

    /// Whether a limit or the engine is the reason, which the operator wants to know; the others are a client's mistakes.
    var isForTheOperator: Bool {
        switch reason {
        case .roomFull, .addressFull, .messageTooLong, .notKept, .unanswered, .roomUnreachable: true
        // The close that follows too many messages is reported itself.
        case .tooManyMessages, .nameMissing, .nameTooLong, .nameInvisible, .notJoined, .unknownAddressee, .toOneself:
            false
        }
    }

    /// What is wrong, and what helps, for the person who reads it. ASCII, without markup.
    public var text: String {
        switch reason {
        case .nameMissing: "You need a name to join. Please enter one."
        case .nameTooLong:
            "This name is too long. Please take one of at most \(RoomCommand.maximumNameCharacters) characters."
        case .nameInvisible: "Nobody can see this name. Please take one with a letter, a digit or a sign."
        case .notJoined: "You have not joined the room yet. Please enter a name first."
        case .roomFull: "The room is full. Please try again later."
        case .addressFull: "Too many people in this room have your address. Please try again later."
        case .unknownAddressee: "Nobody with this address is in the room. The person may have left."
        case .toOneself: "You can not send a message to yourself. Please choose somebody else."
        case .messageTooLong: "This message is too long. Please send a shorter one."
        case .tooManyMessages: "Too many messages at once. Please wait a moment."
        case .notKept: "The room takes nothing at the moment. Please send your message again later."
        case .unanswered: "The room does not answer. If your message does not appear, send it again."
        case .roomUnreachable: "The room can not be reached at the moment. Please come back soon."
        }
    }
}
