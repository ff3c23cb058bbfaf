import Channels
import PusherProtocol
import WebSocketCore

/// A back end: it publishes over the HTTP API with signed requests, and repeats what got no answer, on any node, under
/// the same idempotency key.
final class SimulatedPublisher {
    /// An answer that does not come in so many microseconds is given up.
    static let patience: UInt64 = 4_000_000

    let world: World
    let number: Int
    let app: PusherApp
    let channels: [ChannelAddress]
    private var random: SeededRandom
    private(set) var jobs: [PublishJob] = []

    init(world: World, number: Int, app: PusherApp, channels: [ChannelAddress], random: SeededRandom) {
        self.world = world
        self.number = number
        self.app = app
        self.channels = channels
        self.random = random
    }

    private var scheduler: Scheduler { world.scheduler }
    /// Whether every request that may be repeated has been answered.
    var isSettled: Bool { jobs.allSatisfy(\.isSettled) }

    /// Begins to publish something now and then.
    func live() {
        let interval = world.scenario.publishInterval * (number == 0 ? 1_000 : 5_000)
        scheduler.schedule(.publisher, number, after: UInt64(interval / 2 + random.below(interval))) { [self] in
            guard !world.isSettling else { return }
            publish()
            if random.chance(20) { terminate() }
            live()
        }
    }

    /// Publishes something new, or the key of something old with another body.
    func publish() {
        let former = random.chance(40) ? random.pick(jobs.suffix(10))?.key : nil
        let job = random.chance(150) ? batch(key: former) : event(key: former)
        jobs.append(job)
        send(job)
        // A client library that repeats too early, on another node.
        if job.key != nil, random.chance(100) { send(job) }
    }

    /// One publication to each channel, with a key, for the end of a run.
    func publishToAll() {
        for channel in channels {
            let job = event(to: [channel], key: nil, mayExclude: false)
            jobs.append(job)
            send(job)
        }
    }

    /// Ends the connections of some user. Whom that reaches is not promised: it is sent once.
    private func terminate() {
        guard let node = random.pick(world.liveNodes), let client = random.pick(world.clients) else { return }
        let user = String(decoding: client.user, as: UTF8.self)
        let request = APICall(world: world, app: app).post(
            "/apps/\(app.id)/users/\(user)/terminate_connections", body: [], idempotencyKey: nil)
        nonisolated(unsafe) let scheduler = scheduler
        scheduler.schedule(.toServer, number, after: UInt64(300 + random.below(3_000)), on: node.process) {
            node.api.respond(to: request) { response in
                scheduler.check(response.status == 200, .wire, "connections were not ended: \(response.status)")
            }
        }
    }

    // MARK: Requests

    private func newKey() -> String? { random.chance(750) ? "k\(world.nextNumber())" : nil }

    private func filling() -> [UInt8] {
        let alphabet: [String] = ["a", "\"", "\\", "\n", "é", "漢", "😀", "/", "\u{1}", "<", "{", " "]
        var text: [UInt8] = []
        for _ in 0..<random.below(12) { text.append(contentsOf: (random.pick(alphabet) ?? "").utf8) }
        if random.chance(60) { text.append(contentsOf: repeatElement(0x78, count: random.below(2_000))) }
        return text
    }

    private func event(key: String?) -> PublishJob {
        var targets: [ChannelAddress] = []
        for _ in 0...(random.chance(200) ? 2 : 0) {
            if let channel = random.pick(channels), !targets.contains(channel) { targets.append(channel) }
        }
        return event(to: targets, key: key, mayExclude: true)
    }

    private func event(to targets: [ChannelAddress], key: String?, mayExclude: Bool) -> PublishJob {
        let number = world.nextNumber()
        let asksPositions = random.chance(600)
        var json = JSONWriter()
        // One text to all: its name is that of the first entry, whatever the channel is.
        json.raw(#"{"name":"news","data":"#)
        json.string(PayloadName(request: number, entry: 0).text + filling())
        json.raw(#","channels":["#)
        for (index, target) in targets.enumerated() {
            if index > 0 { json.raw(",") }
            json.string(target.name.bytes)
        }
        json.raw("]")
        if mayExclude, random.chance(250), let socket = world.anySocket(of: app, &random) {
            json.raw(#","socket_id":"#)
            json.string(socket)
        }
        if asksPositions { json.raw(#","info":"position""#) }
        json.raw("}")
        return PublishJob(
            number: number, path: "/apps/\(app.id)/events", body: json.bytes,
            key: key ?? (mayExclude ? newKey() : "k\(number)"), asksPositions: asksPositions, addresses: targets,
            life: world.truth.life)
    }

    private func batch(key: String?) -> PublishJob {
        let number = world.nextNumber()
        let asksPositions = random.chance(600)
        var addresses: [ChannelAddress] = []
        var json = JSONWriter()
        json.raw(#"{"batch":["#)
        for entry in 0...random.below(4) {
            guard let channel = random.pick(channels) else { continue }
            addresses.append(channel)
            if entry > 0 { json.raw(",") }
            json.raw(#"{"name":"batched","channel":"#)
            json.string(channel.name.bytes)
            json.raw(#","data":"#)
            json.string(PayloadName(request: number, entry: entry).text + filling())
            if asksPositions { json.raw(#","info":"position""#) }
            json.raw("}")
        }
        json.raw("]}")
        return PublishJob(
            number: number, path: "/apps/\(app.id)/batch_events", body: json.bytes, key: key ?? newKey(),
            asksPositions: asksPositions, addresses: addresses, life: world.truth.life)
    }

    private func send(_ job: PublishJob) {
        job.attempts += 1
        let attempt = job.attempts
        job.awaited = attempt
        guard let node = random.pick(world.liveNodes) else { return later(job, attempt) }
        let request = APICall(world: world, app: app).post(job.path, body: job.body, idempotencyKey: job.key)
        nonisolated(unsafe) let (publisher, theJob) = (self, job)
        let back = UInt64(300 + random.below(3_000))
        scheduler.schedule(.toServer, number, after: UInt64(300 + random.below(3_000)), on: node.process) {
            node.api.respond(to: request) { response in
                nonisolated(unsafe) let publisher = publisher
                // The answer is on its way even when the node dies now.
                publisher.scheduler.schedule(.publishAnswer, publisher.number, after: back) {
                    publisher.answered(theJob, attempt, response)
                }
            }
        }
        scheduler.schedule(.publisher, number, after: Self.patience) { [self] in
            if job.awaited == attempt { later(job, attempt) }
        }
    }

    /// No answer, or one that says "come back": again, if that can do no harm.
    private func later(_ job: PublishJob, _ attempt: Int) {
        guard job.awaited == attempt else { return }
        guard job.key != nil, job.outcome == .unknown else {
            job.awaited = 0
            return
        }
        job.awaited = -1
        scheduler.schedule(.publisher, number, after: UInt64(100_000 + random.below(900_000))) { [self] in
            if job.outcome == .unknown { send(job) }
        }
    }

    // MARK: Answers

    private func answered(_ job: PublishJob, _ attempt: Int, _ response: PusherAPIResponse) {
        scheduler.trace.mix(UInt64(response.status))
        scheduler.trace.mix(response.body)
        let words = "request \(job.number)"
        switch response.status {
        case 200: kept(job, response.body)
        case 409:
            scheduler.check(
                job.key != nil, .onePublicationForKey, "\(words) has no key, and was told that its key was used")
            if job.outcome == .unknown { job.outcome = .keyWasUsed }
        case 503:
            scheduler.check(
                response.fields.contains { $0.0 == "retry-after" }, .wire, "\(words): 503 without Retry-After")
            if job.awaited == attempt { later(job, attempt) }
            return
        default:
            scheduler.report(
                .wire, "\(words) got \(response.status) \(String(decoding: response.body, as: UTF8.self))")
        }
        if job.awaited == attempt { job.awaited = 0 }
    }

    private func kept(_ job: PublishJob, _ body: [UInt8]) {
        let words = "request \(job.number)"
        let commits = world.truth.commits[job.number] ?? []
        scheduler.check(!commits.isEmpty, .acknowledgedIsKept, "\(words) was acknowledged, and nothing was kept")
        var positions: [Position] = []
        if job.asksPositions {
            positions = PublishAnswer.positions(in: body)
            scheduler.check(
                commits.contains { Set($0.positions) == Set(positions) }, .acknowledgedIsKept,
                "\(words) was told \(Simulation.words(positions)) and stands at "
                    + commits.map { Simulation.words($0.positions) }.joined(separator: " or "))
        }
        if let former = job.answer, job.life == world.truth.life {
            scheduler.check(
                former == body, .onePublicationForKey, "\(words) got two answers to the same question")
        }
        job.answer = body
        if job.outcome == .unknown { job.outcome = .kept(positions) }
    }
}

@available(*, unavailable)
extension SimulatedPublisher: Sendable {}
