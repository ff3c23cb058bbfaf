import Channels
import PusherProtocol

/// Reads the positions out of what the HTTP API answers to a publish.
enum PublishAnswer {
    /// Of `{"channels":{NAME:{"position":{…}}}}` or `{"batch":[{"position":{…}}]}`, in the order in which they stand.
    static func positions(in body: [UInt8]) -> [Position] {
        let text = body.span.bytes
        guard let object = try? EnvelopeReader.read(text) else { return [] }
        var positions: [Position] = []
        if let channels = EnvelopeReader.member("channels", of: object, in: text) {
            var members = JSONMembers(of: channels)
            while let member = members.next(in: text) {
                if let position = position(of: member.value, in: text) { positions.append(position) }
            }
        } else if let batch = EnvelopeReader.member("batch", of: object, in: text) {
            var elements = JSONElements(of: batch)
            while let element = elements.next(in: text) {
                if let position = position(of: element, in: text) { positions.append(position) }
            }
        }
        return positions
    }

    private static func position(of value: JSONValue, in text: RawSpan) -> Position? {
        guard let position = EnvelopeReader.member("position", of: value, in: text),
            let epoch = EnvelopeReader.string("epoch", of: position, in: text).flatMap({ Epoch($0) }),
            let offset = EnvelopeReader.wholeNumber("offset", of: position, in: text)
        else { return nil }
        return Position(epoch: epoch, offset: offset)
    }
}
