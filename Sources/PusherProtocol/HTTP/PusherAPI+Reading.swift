import Channels

extension PusherAPI {
    /// How many are in each of `names`, at least one, as far as that can be found out.
    func occupancies(
        of names: Set<ChannelName>, in runtime: PusherAppRuntime,
        completion: @escaping @Sendable ([ChannelName: Occupancy]) -> Void
    ) {
        let gathering = Gathering<ChannelName, Occupancy>(count: names.count, completion: completion)
        for name in names {
            node.engine.occupancy(runtime.hub.address(name)) { gathering.take(try? $0.get(), for: name) }
        }
    }

    /// `GET /apps/{id}/channels`
    func listChannels(
        _ call: Call, completion: @escaping @Sendable (PusherAPIResponse) -> Void
    ) throws(PusherAPIError) {
        let prefix = call.query.value("filter_by_prefix") ?? []
        let attributes = try call.attributes(.counts)
        if attributes.contains(.userCount), !prefix.starts(with: "presence-".utf8) {
            throw .invalid("user_count is known of presence channels only: add filter_by_prefix=presence-.")
        }
        let runtime = call.runtime
        let list: @Sendable () -> Void = { [engine = node.engine] in
            engine.channels(in: runtime.hub.namespace, prefix: prefix) { result in
                switch result {
                case .failure(let error): completion(PusherAPIError(error).response)
                case .success(let found): completion(Self.list(found, attributes))
                }
            }
        }
        if runtime.hub.channelCount <= Self.listedAtOnce { list() } else { doLongWork(runtime.index, list) }
    }

    /// Channels that are looked through where the request is served. Hundreds of thousands take up to seconds, and would
    /// have the requests of others wait for a thread.
    private static let listedAtOnce = 4_096

    private static func list(
        _ found: [(name: ChannelName, occupancy: Occupancy)], _ attributes: APIAttributes
    ) -> PusherAPIResponse {
        // By name: the engine has no order, and people read this.
        let sorted = found.sorted { $0.name.bytes.lexicographicallyPrecedes($1.name.bytes) }
        var json = JSONWriter(capacity: 32 * found.count + 16)
        // An object also when it is empty: the PHP library takes it for one (section 12, trap 3).
        json.raw(#"{"channels":{"#)
        var isFirst = true
        for (name, occupancy) in sorted where !PusherChannelNames.isReserved(name) {
            guard let channel = APIChannel(name.bytes) else { continue }
            if !isFirst { json.raw(",") }
            isFirst = false
            json.string(name.bytes)
            json.raw(":")
            var object = AttributeWriter()
            object.append(attributes, of: channel, occupancy)
            json.raw(object.finish())
        }
        json.raw("}}")
        return PusherAPIResponse(json: json)
    }

    /// `GET /apps/{id}/channels/{name}`
    func describe(
        _ channel: APIChannel, _ call: Call, completion: @escaping @Sendable (PusherAPIResponse) -> Void
    ) throws(PusherAPIError) {
        let attributes = try call.attributes([.counts, .cache])
        let address = call.runtime.hub.address(channel.name)
        let engine = node.engine
        engine.occupancy(address) { result in
            switch result {
            case .failure(let error): completion(PusherAPIError(error).response)
            case .success(let occupancy):
                var object = AttributeWriter()
                object.member("occupied") { $0.raw(occupancy.subscriptions > 0 ? "true" : "false") }
                object.append(attributes, of: channel, occupancy)
                guard attributes.contains(.cache), channel.kind.isCache else {
                    return completion(PusherAPIResponse(json: object.finish()))
                }
                Self.appendNewest(of: address, in: engine, to: object, completion: completion)
            }
        }
    }

    private static func appendNewest(
        of address: ChannelAddress, in engine: any Engine, to object: AttributeWriter,
        completion: @escaping @Sendable (PusherAPIResponse) -> Void
    ) {
        engine.newest(address) { result in
            switch result {
            case .failure(let error): completion(PusherAPIError(error).response)
            case .success(let newest):
                var object = object
                object.member("cache") { json in
                    // An app may keep its events for longer than a cache channel has one.
                    guard let newest, newest.age < PusherAppRuntime.cacheMilliseconds else { return json.raw("null") }
                    json.raw(#"{"data":"#)
                    PusherEvent.append(dataOf: newest.publication, to: &json)
                    json.raw(#","ttl":"#)
                    json.number((PusherAppRuntime.cacheMilliseconds - newest.age) / 1_000)
                    json.raw("}")
                }
                completion(PusherAPIResponse(json: object.finish()))
            }
        }
    }

    /// `GET /apps/{id}/channels/{name}/users`
    func listUsers(
        of channel: APIChannel, _ call: Call, completion: @escaping @Sendable (PusherAPIResponse) -> Void
    ) throws(PusherAPIError) {
        guard channel.kind.isPresence else {
            throw .invalid("Users are known of presence channels only: their names begin with presence-.")
        }
        node.engine.members(call.runtime.hub.address(channel.name)) { result in
            switch result {
            case .failure(let error): completion(PusherAPIError(error).response)
            case .success(let snapshot):
                var json = JSONWriter(capacity: 24 * snapshot.members.count + 16)
                json.raw(#"{"users":["#)
                for (index, member) in snapshot.members.enumerated() {
                    json.raw(index > 0 ? #",{"id":"# : #"{"id":"#)
                    json.string(member.id)
                    json.raw("}")
                }
                json.raw("]}")
                completion(PusherAPIResponse(json: json))
            }
        }
    }
}
