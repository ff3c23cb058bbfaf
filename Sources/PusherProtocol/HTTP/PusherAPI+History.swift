import Channels

extension PusherAPI {
    private static let defaultLimit = 100
    private static let maximumLimit = 300

    /// `GET /apps/{id}/channels/{name}/history`
    func readHistory(
        of channel: APIChannel, _ call: Call, completion: @escaping @Sendable (PusherAPIResponse) -> Void
    ) throws(PusherAPIError) {
        let limit = try Self.limit(call.query.value("limit"))
        let since = try Self.position(call.query.value("since"))
        let address = call.runtime.hub.address(channel.name)
        let engine = node.engine
        engine.history(address, since: since?.offset, limit: limit) { result in
            switch result {
            case .failure(let error): completion(PusherAPIError(error).response)
            case .success(let page):
                guard let since, Self.isForeign(since, to: page.top) else {
                    return completion(Self.answer(page, since: since))
                }
                // The offset means nothing in this log: what there is, from its beginning.
                engine.history(address, since: 0, limit: limit) { result in
                    switch result {
                    case .failure(let error): completion(PusherAPIError(error).response)
                    case .success(let page): completion(Self.answer(page, since: since, isForeign: true))
                    }
                }
            }
        }
    }

    /// Whether no event of the log with this top can have had the position.
    private static func isForeign(_ position: Position, to top: Position) -> Bool {
        position.epoch != top.epoch && !PlantedBug.isOn(.ignoreHistoryEpoch) || position.offset > top.offset
    }

    private static func answer(
        _ page: HistoryPage, since: Position?, isForeign: Bool = false
    ) -> PusherAPIResponse {
        let bytes = page.entries.reduce(0) { $0 + $1.publication.keptBytes }
        var json = JSONWriter(capacity: bytes + bytes / 8 + 128)
        json.raw(#"{"epoch":"#)
        json.string(page.top.epoch.text)
        json.raw(#","offset":"#)
        json.number(page.top.offset)
        json.raw(#","oldest":"#)
        json.number(page.oldest)
        if isForeign {
            json.raw(#","recovered":false,"gap":null"#)
        } else if let since {
            // Below the largest offset, so there is always a next number.
            let next = since.offset + 1
            if next < page.oldest, !PlantedBug.isOn(.hideHistoryGap) {
                json.raw(#","recovered":false,"gap":{"from":"#)
                json.number(next)
                json.raw(#","to":"#)
                json.number(page.oldest - 1)
                json.raw(#","oldest":"#)
                json.number(page.oldest)
                json.raw("}")
            } else {
                json.raw(#","recovered":true"#)
            }
        }
        json.raw(#","events":["#)
        for (index, entry) in page.entries.enumerated() {
            json.raw(index > 0 ? #",{"offset":"# : #"{"offset":"#)
            json.number(entry.offset)
            json.raw(#","event":"#)
            PusherEvent.append(nameOf: entry.publication, to: &json)
            json.raw(#","data":"#)
            PusherEvent.append(dataOf: entry.publication, to: &json)
            json.raw("}")
        }
        json.raw("]}")
        return PusherAPIResponse(json: json)
    }

    private static func position(_ text: [UInt8]?) throws(PusherAPIError) -> Position? {
        guard let text else { return nil }
        guard let position = Position(text) else {
            throw .invalid("since has to be a position, EPOCH:OFFSET, as an event or an answer has it.")
        }
        return position
    }

    /// A number from 1 to 300; numbers of any number of digits are refused in the same words (row 123 of the catalogue).
    static func limit(_ text: [UInt8]?) throws(PusherAPIError) -> Int {
        guard let text else { return defaultLimit }
        var limit = 0
        for digit in text {
            guard 0x30...0x39 ~= digit, limit <= maximumLimit else {
                limit = 0
                break
            }
            limit = limit * 10 + Int(digit - 0x30)
        }
        guard 1...maximumLimit ~= limit else {
            throw .invalid("limit must be a whole number from 1 to \(maximumLimit).")
        }
        return limit
    }
}
