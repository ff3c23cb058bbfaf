/// What a request wants to be told of channels: the words of its `info` (section 7).
struct APIAttributes: OptionSet, Sendable {
    let rawValue: UInt8

    /// `subscription_count`: subscriptions in the whole cluster.
    static let subscriptionCount = APIAttributes(rawValue: 1)
    /// `user_count`: users that are present; of presence channels only.
    static let userCount = APIAttributes(rawValue: 2)
    /// `cache`: the newest event; of cache channels only.
    static let cache = APIAttributes(rawValue: 4)
    /// `position`: where what was published is kept.
    static let position = APIAttributes(rawValue: 8)

    /// What is counted.
    static let counts: APIAttributes = [.subscriptionCount, .userCount]

    private static let words: [(word: StaticString, attribute: APIAttributes)] = [
        ("subscription_count", .subscriptionCount), ("user_count", .userCount), ("cache", .cache),
        ("position", .position),
    ]

    init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Reads words that are separated by commas; spaces around them and empty ones do not count.
    ///
    /// - Parameter allowed: what the request may ask; it is refused with 400 when it asks for anything else.
    init(_ list: [UInt8], allowed: APIAttributes) throws(PusherAPIError) {
        self = []
        for part in list.split(separator: UInt8(ascii: ",")) {
            var word = part.drop { $0 == 0x20 }
            while word.last == 0x20 { word.removeLast() }
            if word.isEmpty { continue }
            guard let attribute = Self.attribute(word), allowed.contains(attribute) else {
                throw .invalid("info can ask here for \(allowed.list) only, separated by commas.")
            }
            insert(attribute)
        }
    }

    private var list: String {
        Self.words.filter { contains($0.attribute) }.map { "\($0.word)" }.joined(separator: ", ")
    }

    private static func attribute(_ word: ArraySlice<UInt8>) -> APIAttributes? {
        words.first { $0.word.withUTF8Buffer { word.elementsEqual($0) } }?.attribute
    }
}
