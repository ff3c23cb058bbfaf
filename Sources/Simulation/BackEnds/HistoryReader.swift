import Channels
import PusherProtocol

/// A back end that follows channels by asking for their history, page after page, on any node: what it gets is held
/// against the truth.
final class HistoryReader {
    /// What was asked, and how things stood then.
    private struct Request {
        let number: Int
        let channel: ChannelAddress
        let since: Position?
        let isInvented: Bool
        let limit: Int
        let life: Int
        let top: Position?
        let oldest: UInt64
    }

    private let world: World
    private let app: PusherApp
    private let channels: [ChannelAddress]
    private var random: SeededRandom
    /// Up to where it has read each channel, or was told of a gap.
    private var positions: [ChannelAddress: Position] = [:]
    /// The request of each channel whose answer counts.
    private var awaited: [ChannelAddress: Int] = [:]

    init(world: World, app: PusherApp, channels: [ChannelAddress], random: SeededRandom) {
        self.world = world
        self.app = app
        self.channels = channels
        self.random = random
    }

    private var scheduler: Scheduler { world.scheduler }

    private func check(
        _ condition: Bool, _ invariant: Invariant, _ request: Request, _ text: @autoclosure () -> String
    ) {
        scheduler.check(
            condition, invariant,
            "the history of \(words(request.channel)) after \(words(request.since)): \(text())")
    }

    /// Begins to ask now and then; all channels twice a second when the faults are over.
    func live() {
        let interval = world.isSettling ? 500_000 : world.scenario.clientInterval * 4_000
        scheduler.schedule(.historyReader, 0, after: UInt64(interval / 2 + random.below(interval))) { [self] in
            if world.isSettling {
                for channel in channels { ask(channel) }
            } else if let channel = random.pick(channels) {
                ask(channel)
            }
            live()
        }
    }

    /// Where it stands; the top, once nothing is published any more.
    func position(in channel: ChannelAddress) -> Position? { positions[channel] }

    // MARK: Asking

    private func ask(_ channel: ChannelAddress) {
        guard let node = random.pick(world.liveNodes) else { return }
        var since = positions[channel]
        var isInvented = false
        if !world.isSettling, random.chance(100) {
            isInvented = true
            since = Position(
                epoch: since?.epoch ?? Epoch(rawValue: random.next()),
                offset: UInt64(random.pick([0, 1, 5_000, 1 << 52]) ?? 0))
        }
        let limit = world.isSettling ? 300 : random.pick([1, 2, 7, 300]) ?? 300
        let page = world.host.audit(channel, limit: 0)
        let request = Request(
            number: world.nextNumber(), channel: channel, since: since, isInvented: isInvented, limit: limit,
            life: world.truth.life, top: page?.top, oldest: page?.oldest ?? 0)
        if !isInvented { awaited[channel] = request.number }
        let path = "/apps/\(app.id)/channels/\(String(decoding: channel.name.bytes, as: UTF8.self))/history"
        let call = APICall(world: world, app: app).get(
            path, query: "&limit=\(limit)" + (since.map { "&since=\(words($0))" } ?? ""))
        nonisolated(unsafe) let reader = self
        let back = UInt64(300 + random.below(3_000))
        scheduler.schedule(.toServer, 0, after: UInt64(300 + random.below(3_000)), on: node.process) {
            node.api.respond(to: call) { response in
                reader.scheduler.schedule(.historyAnswer, 0, after: back) { reader.answered(request, response) }
            }
        }
    }

    // MARK: Answers

    private func answered(_ request: Request, _ response: PusherAPIResponse) {
        scheduler.trace.mix(UInt64(response.status))
        scheduler.trace.mix(response.body)
        guard response.status == 200 else {
            return check(response.status == 503, .wire, request, "got \(response.status)")
        }
        guard let answer = HistoryAnswer(response.body) else {
            return check(false, .wire, request, "got \(String(decoding: response.body, as: UTF8.self))")
        }
        checkTop(answer, request)
        checkEvents(answer, request)
        let beginning = checkRecovery(answer, request)
        guard awaited[request.channel] == request.number else { return }
        awaited[request.channel] = nil
        positions[request.channel] = Position(
            epoch: answer.top.epoch, offset: answer.events.last?.offset ?? beginning ?? answer.top.offset)
    }

    private func checkTop(_ answer: HistoryAnswer, _ request: Request) {
        let kept = world.truth.top(request.channel, in: answer.top.epoch)
        check(
            world.truth.knows(answer.top.epoch, of: request.channel) && answer.top.offset <= kept,
            .acknowledgedIsKept, request, "the top is said to be \(words(answer.top)), and there are \(kept)")
        guard let then = request.top, request.life == world.truth.life else { return }
        check(
            then.epoch == answer.top.epoch && then.offset <= answer.top.offset && answer.oldest >= request.oldest,
            .acknowledgedIsKept, request,
            "the top is said to be \(words(answer.top)), and was \(words(then)) before it was asked")
        guard let page = world.host.audit(request.channel, limit: 0), page.top.epoch == answer.top.epoch else { return }
        check(
            answer.oldest <= page.oldest, .acknowledgedIsKept, request,
            "the oldest is said to be \(answer.oldest), and \(page.oldest) is still kept")
    }

    private func checkEvents(_ answer: HistoryAnswer, _ request: Request) {
        check(answer.events.count <= request.limit, .bounds, request, "\(answer.events.count) events came")
        var expected = answer.events.first?.offset ?? 0
        for event in answer.events {
            check(event.offset == expected, .denseOffsets, request, "\(event.offset) came, not \(expected)")
            expected = event.offset + 1
            let record = world.truth.record(
                request.channel, at: Position(epoch: answer.top.epoch, offset: event.offset))
            check(
                record?.publication.data == event.data && record?.publication.event == event.event, .onePayloadEach,
                request, "something else came at \(event.offset)")
        }
        check(
            answer.events.last.map { $0.offset <= answer.top.offset } ?? true, .denseOffsets, request,
            "events came above \(words(answer.top))")
    }

    /// What is said of the position that was named.
    ///
    /// - Returns: the offset before the first event that should have come; `nil` without one.
    private func checkRecovery(_ answer: HistoryAnswer, _ request: Request) -> UInt64? {
        let first = answer.events.first?.offset
        guard let since = request.since else {
            check(answer.isRecovered == nil && answer.gap == nil, .wire, request, "a recovery that nobody asked for")
            check(
                answer.events.last?.offset == answer.top.offset || answer.oldest > answer.top.offset,
                .completeRecovery, request, "the newest are not among what came")
            return nil
        }
        let isForeign = since.epoch != answer.top.epoch || since.offset > answer.top.offset
        let begins: UInt64
        if let gap = answer.gap {
            check(
                answer.isRecovered == false && !isForeign && gap.from == since.offset + 1
                    && gap.to == answer.oldest - 1 && gap.from <= gap.to && gap.oldest == answer.oldest,
                .honestGap, request, "the gap \(gap) is wrong, with \(answer.oldest) as the oldest")
            begins = answer.oldest
        } else if answer.isRecovered == true {
            check(
                !isForeign && since.offset + 1 >= answer.oldest, .completeRecovery, request,
                "recovered although the oldest is \(answer.oldest) and the top \(words(answer.top))")
            begins = since.offset + 1
        } else {
            // The log may have come to a position that was made up since it was found to be none.
            check(
                isForeign || request.isInvented, .honestGap, request,
                "taken for a position of another log than \(words(answer.top))")
            begins = answer.oldest
        }
        check(
            first.map { $0 == begins } ?? (begins > answer.top.offset), .completeRecovery, request,
            "\(first.map { "\($0)" } ?? "nothing") came first, not \(begins), and the top is \(words(answer.top))")
        return begins - 1
    }
}

@available(*, unavailable)
extension HistoryReader: Sendable {}
