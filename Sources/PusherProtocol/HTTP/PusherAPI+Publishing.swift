import Channels
import Crypto

extension PusherAPI {
    /// `POST /apps/{id}/events` and `POST /apps/{id}/batch_events`.
    func publish(
        _ call: Call, _ request: PusherAPIRequest, completion: @escaping @Sendable (PusherAPIResponse) -> Void
    ) throws(PusherAPIError) {
        let isBatch = call.route == .batchEvents
        let runtime = call.runtime
        var events = try Self.events(call.body, isBatch: isBatch, runtime.app.limits)
        let attributes = try call.attributes(.ofPublish)
        if !attributes.isEmpty { for index in events.indices { events[index].attributes.formUnion(attributes) } }
        let idempotency = try Self.idempotency(call, request)
        // A repetition must get the same answer, and counts are not the same a moment later.
        if idempotency != nil { for index in events.indices { events[index].attributes.subtract(.counts) } }
        let entries = Self.entries(of: events, in: runtime)
        let answer = PublishAnswer(events: events, isBatch: isBatch)
        @Sendable func publish() {
            runtime.hub.publish(entries, idempotency: idempotency) { result in
                switch result {
                case .failure(.unavailable) where PlantedBug.isOn(.acknowledgeUnknown): completion(.done)
                case .failure(let error): completion(PusherAPIError(error).response)
                case .success(let positions):
                    let counted = answer.counted
                    guard !counted.isEmpty else { return completion(answer.response(positions, [:])) }
                    self.occupancies(of: counted, in: runtime) { completion(answer.response(positions, $0)) }
                }
            }
        }
        guard let gate = runtime.hub.gate, !gate.isOpen else { return publish() }
        guard gate.pass(publish) else { throw .overloaded }
    }

    private static func entries(of events: [APIEvent], in runtime: PusherAppRuntime) -> [PublishRequest.Entry] {
        var entries: [PublishRequest.Entry] = []
        for event in events {
            let publication = PusherEvent(name: event.name, payload: event.data)
                .publication(excluded: event.excluded)
            for channel in event.channels {
                entries.append(
                    PublishRequest.Entry(
                        channel: channel.name, publication: publication,
                        retention: runtime.retention(of: channel.kind)))
            }
        }
        return entries
    }

    private static func events(
        _ body: [UInt8], isBatch: Bool, _ limits: PusherLimits
    ) throws(PusherAPIError) -> [APIEvent] {
        let text = body.span.bytes
        let value: JSONValue
        do throws(EnvelopeError) {
            value = try EnvelopeReader.readWithLoneSurrogates(text, checkingUTF8: true).value
        } catch {
            throw .invalid(error.text)
        }
        guard isBatch else { return [try APIEvent(value, in: text, limits)] }
        guard let batch = EnvelopeReader.member("batch", of: value, in: text), batch.kind == .array else {
            throw .invalid("The body has to be an object with batch: an array of events.")
        }
        var events: [APIEvent] = []
        var elements = JSONElements(of: batch)
        while let element = elements.next(in: text) {
            guard events.count < limits.eventsPerBatch else {
                throw .invalid(
                    "batch may have \(limits.eventsPerBatch) events at most. Split it into several requests.")
            }
            do throws(PusherAPIError) {
                events.append(try APIEvent(inBatch: element, in: text, limits))
            } catch {
                throw error.at("batch[\(events.count)]")
            }
        }
        guard !events.isEmpty else { throw .invalid("batch is empty: send at least one event.") }
        return events
    }

    /// The name that the publisher gives its request, with a digest of all that the request means.
    private static func idempotency(
        _ call: Call, _ request: PusherAPIRequest
    ) throws(PusherAPIError) -> PublishRequest.Idempotency? {
        guard let key = request.idempotencyKey else { return nil }
        guard (1...255).contains(key.utf8.count), key.utf8.allSatisfy({ 0x20...0x7E ~= $0 }) else {
            throw .invalid("Idempotency-Key has to have 1 to 255 printable ASCII characters.")
        }
        var head = Array("\(request.method)\n".utf8)
        head.append(contentsOf: call.signedPath)
        head.append(UInt8(ascii: "\n"))
        call.query.append(meaningTo: &head)
        var digest = SHA256()
        // The length keeps a query that ends with a part of a body apart from a body that begins with it.
        digest.update(data: Array("\(head.count)\n".utf8))
        digest.update(data: head)
        digest.update(data: call.body)
        return PublishRequest.Idempotency(key: Array(key.utf8), fingerprint: Array(digest.finalize()))
    }
}
