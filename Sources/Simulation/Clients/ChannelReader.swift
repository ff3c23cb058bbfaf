import Channels
import PusherProtocol

/// Holds what a client is told of a channel against what it knows, and against the truth.
struct ChannelReader {
    let client: SimulatedClient
    let subscription: ClientSubscription

    private var truth: Truth { client.truth }
    private var address: ChannelAddress { subscription.address }
    private var words: String { "\(client.words) in \(Simulation.words(address))" }

    private func check(_ condition: Bool, _ invariant: Invariant, _ text: @autoclosure () -> String) {
        client.scheduler.check(condition, invariant, "\(words): \(text())")
    }

    func take(_ message: ServerMessage) {
        switch String(decoding: message.event, as: UTF8.self) {
        case "pusher_internal:subscription_succeeded": succeeded(message)
        case "pusher_internal:member_added": memberAdded(message)
        case "pusher_internal:member_removed": memberRemoved(message)
        case "pusher_internal:subscription_count":
            check(subscription.phase == .live, .seam, "a count came before the subscription began")
            subscription.count = message.data.flatMap { SimulatedClient.string("subscription_count", in: $0) }
                .flatMap { Int(String(decoding: $0, as: UTF8.self)) }
        case "pusher:cache_miss": cacheMiss()
        case "parley:position": excluded(message)
        default:
            check(subscription.phase == .live, .seam, "an event came before the subscription began")
            guard subscription.phase == .live else { return }
            if let data = message.data, let name = ClientEventName(data) { return clientEvent(name, message) }
            published(message)
        }
    }

    // MARK: Beginning

    private func succeeded(_ message: ServerMessage) {
        if subscription.kind.isPresence, let data = message.data, let members = PresenceBook.members(in: data) {
            check(
                subscription.phase == .live || members.contains(client.user), .presence,
                "the first snapshot lacks the client itself")
            subscription.members = members
        }
        let isAnswer = subscription.unanswered > 0 && !(subscription.phase == .live && isNews(message))
        guard isAnswer, let request = subscription.request else { return announced(message) }
        subscription.unanswered -= 1
        subscription.isInDoubt = false
        let isFirst = subscription.phase == .asked
        subscription.phase = .live
        // After a recovery the newest event is among what follows, or among what the client has.
        subscription.expectsNewest =
            subscription.kind.isCache && !(message.recovery == .recovered && request.position != nil)
        if isFirst { subscription.seen = truth.top(address) }
        guard subscription.wantsPositions else {
            return check(
                message.position == nil && message.recovery == .none, .wire, "a stock client was told of positions")
        }
        guard let position = message.position else { return check(false, .wire, "the reply has no position") }
        began(request, message.recovery, at: position)
    }

    /// Whether the message tells of a loss or of members, unasked.
    private func isNews(_ message: ServerMessage) -> Bool { subscription.wantsPositions }

    private func began(_ request: ClientSubscription.Request, _ recovery: ServerMessage.Recovery, at top: Position) {
        check(truth.knows(top.epoch, of: address), .honestGap, "an epoch was told that no log has had")
        check(
            top.offset <= truth.top(address, in: top.epoch), .honestGap,
            "the reply names \(Simulation.words(top)), and there are \(truth.top(address, in: top.epoch))")
        if let then = request.top, request.life == truth.life {
            check(
                then.epoch == top.epoch && then.offset <= top.offset, .completeRecovery,
                "the reply names \(Simulation.words(top)), but \(Simulation.words(then)) was kept before it was asked")
        }
        switch recovery {
        case .recovered: recovered(request, at: top)
        case .lost(let gap): lost(request, gap, at: top)
        case .none: check(false, .wire, "the reply says nothing of recovery")
        }
        _ = top
    }

    private func recovered(_ request: ClientSubscription.Request, at top: Position) {
        guard let position = request.position else {
            // It has begun here.
            subscription.position = top
            subscription.replayEnd = top.offset
            return
        }
        check(
            position.epoch == top.epoch, .completeRecovery,
            "recovered from \(Simulation.words(position)) in another epoch, \(Simulation.words(top))")
        check(
            position.offset <= top.offset, .completeRecovery,
            "recovered from \(Simulation.words(position)) although the top is \(Simulation.words(top))")
        subscription.position = position
        subscription.replayEnd = top.offset
    }

    private func lost(_ request: ClientSubscription.Request, _ gap: Gap?, at top: Position) {
        guard let position = request.position else {
            return check(false, .honestGap, "a loss was announced to a client that began here")
        }
        if let gap {
            check(
                position.epoch == top.epoch && gap.from == position.offset + 1 && gap.to == top.offset
                    && gap.to >= gap.from, .honestGap,
                "after \(Simulation.words(position)) the gap \(gap) up to \(Simulation.words(top)) is wrong")
            checkOldest(gap, in: top.epoch, atLeast: request.life == truth.life ? request.oldest : 0)
        } else {
            check(
                position.epoch != top.epoch || request.isInvented, .honestGap,
                "\(Simulation.words(position)) was taken for a position of another log")
        }
        subscription.position = top
        subscription.replayEnd = top.offset
    }

    /// What is said to be lost must be, and what is said to be kept must have been.
    private func checkOldest(_ gap: Gap, in epoch: Epoch, atLeast least: UInt64) {
        check(
            gap.oldest > gap.from && gap.oldest <= gap.to + 1 && gap.oldest >= least, .honestGap,
            "the gap \(gap) names an oldest that it can not be (\(least) when it was asked)")
        guard let page = client.world.host.audit(address, limit: 0), page.top.epoch == epoch else { return }
        check(
            page.oldest >= gap.oldest, .honestGap, "the gap \(gap) is none: everything from \(page.oldest) on is kept")
    }

    // MARK: News of the subscription itself

    private func announced(_ message: ServerMessage) {
        check(subscription.phase == .live, .wire, "a reply came that nobody asked for")
        switch message.recovery {
        case .none:
            check(subscription.kind.isPresence, .wire, "a subscription began once more")
        case .recovered: check(false, .wire, "a recovery was announced, unasked")
        case .lost(let gap):
            guard let top = message.position, let position = subscription.position, subscription.wantsPositions else {
                return check(false, .wire, "a loss was announced without a position")
            }
            check(
                top.offset <= truth.top(address, in: top.epoch), .honestGap,
                "a loss up to \(Simulation.words(top)) was announced, and there are less")
            if let gap {
                check(
                    top.epoch == position.epoch && gap.from == position.offset + 1 && gap.to == top.offset
                        && gap.to >= gap.from, .honestGap,
                    "after \(Simulation.words(position)) the gap \(gap) was announced")
                checkOldest(gap, in: top.epoch, atLeast: 0)
            } else {
                check(
                    top.epoch != position.epoch && truth.knows(top.epoch, of: address), .honestGap,
                    "another log was announced, and it is not")
            }
            subscription.position = top
            subscription.replayEnd = top.offset
        }
    }

    // MARK: Publications

    private func published(_ message: ServerMessage) {
        guard let data = message.data, let name = PayloadName(data) else {
            return check(false, .wire, "an event came that nobody has sent")
        }
        let positions = truth.positions(of: name, in: address)
        check(!positions.isEmpty, .onePayloadEach, "\(name) came, which was never kept there")
        let mayBeNewest = subscription.expectsNewest
        subscription.expectsNewest = false
        if let position = message.position {
            check(subscription.wantsPositions, .wire, "a stock client was told a position")
            positioned(message, name, data, at: position)
        } else if mayBeNewest, subscription.wantsPositions || isNewest(positions) {
            newest(positions, message, data)
        } else {
            check(!subscription.wantsPositions, .deliveryOrder, "\(name) came without its position")
            plain(message, name, data, positions)
        }
    }

    private func matches(_ message: ServerMessage, _ data: [UInt8], _ position: Position) {
        guard let record = truth.record(address, at: position) else {
            return check(false, .onePayloadEach, "nothing was ever kept at \(Simulation.words(position))")
        }
        check(
            record.publication.data == data && record.publication.event == message.event && message.dataIsText,
            .onePayloadEach,
            "at \(Simulation.words(position)) came \(String(decoding: data.prefix(24), as: UTF8.self)), not "
                + String(decoding: record.publication.data.prefix(24), as: UTF8.self))
    }

    private func positioned(_ message: ServerMessage, _ name: PayloadName, _ data: [UInt8], at position: Position) {
        matches(message, data, position)
        advance(to: position)
        // What is read from the log does not know any more whom it was not for.
        guard client.world.isLossless, client.world.host.clockOffset == 0, position.offset > subscription.replayEnd,
            let excluded = truth.record(address, at: position)?.publication.excluded
        else { return }
        check(excluded.text != client.socketID, .wire, "\(name) came although it leaves this connection out")
    }

    private func advance(to position: Position) {
        guard let last = subscription.position else { return check(false, .wire, "a position came, unasked") }
        let isReplay = position.offset <= subscription.replayEnd
        check(
            position.epoch == last.epoch && position.offset == last.offset + 1,
            isReplay ? .completeRecovery : last.offset == subscription.replayEnd ? .seam : .deliveryOrder,
            "after \(Simulation.words(last)) came \(Simulation.words(position))")
        subscription.position = position
    }

    private func excluded(_ message: ServerMessage) {
        guard let position = message.position else { return check(false, .wire, "a position came without one") }
        check(subscription.phase == .live, .seam, "a position came before the subscription began")
        let record = truth.record(address, at: position)
        check(
            record?.publication.excluded?.text == client.socketID, .deliveryOrder,
            "a position came in place of a publication that does not leave this connection out")
        advance(to: position)
    }

    /// A cache channel's newest event, told again: it has no position.
    private func isNewest(_ positions: [Position]) -> Bool {
        guard let request = subscription.request, let newest = request.newest, let seen = subscription.seen else {
            return false
        }
        return positions.contains { $0.epoch == seen.epoch && $0.offset >= newest && $0.offset <= seen.offset }
    }

    private func newest(_ positions: [Position], _ message: ServerMessage, _ data: [UInt8]) {
        guard let position = positions.last else { return }
        matches(message, data, position)
        guard let request = subscription.request, request.life == truth.life else { return }
        check(
            position.offset >= request.newest ?? 1, .deliveryOrder,
            "the newest event is \(Simulation.words(position)), and \(request.newest ?? 0) was kept before")
        // What comes live after it must not be the same once more.
        if !subscription.wantsPositions { subscription.newestTold = position }
    }

    private func cacheMiss() {
        check(subscription.kind.isCache && subscription.expectsNewest, .wire, "an unasked cache miss")
        subscription.expectsNewest = false
        guard let request = subscription.request, request.life == truth.life, !client.world.hasSmallBudget else {
            return
        }
        check(request.newest == nil, .acknowledgedIsKept, "a cache miss, although \(request.newest ?? 0) is kept")
    }

    /// What a stock client gets: it knows no positions, but this watcher does.
    private func plain(_ message: ServerMessage, _ name: PayloadName, _ data: [UInt8], _ positions: [Position]) {
        guard let position = positions.last(where: { follows($0) }) ?? positions.last else { return }
        matches(message, data, position)
        if let told = subscription.newestTold {
            check(told != position, .seam, "\(name) came twice, as the newest and live")
        }
        defer { subscription.seen = position }
        guard let seen = subscription.seen, seen.epoch == position.epoch else { return }
        if subscription.hasSeenAny {
            check(
                position.offset > seen.offset, .deliveryOrder,
                "after \(Simulation.words(seen)) came \(Simulation.words(position))")
        }
        subscription.hasSeenAny = true
        guard position.offset > seen.offset + 1, let page = client.world.host.audit(address, limit: 0),
            page.top.epoch == seen.epoch
        else { return }
        // A hole is right only where the connection was left out, and where nothing can be had any more.
        for offset in seen.offset + 1..<position.offset where offset >= page.oldest {
            let missing = truth.record(address, at: Position(epoch: seen.epoch, offset: offset))
            check(
                missing?.publication.excluded?.text == client.socketID, .deliveryOrder,
                "after \(Simulation.words(seen)) came \(Simulation.words(position)), and \(offset) is still kept")
        }
    }

    private func follows(_ position: Position) -> Bool {
        guard let seen = subscription.seen else { return true }
        return seen.epoch == position.epoch && seen.offset < position.offset
    }

    // MARK: Members and events of other clients

    private func memberAdded(_ message: ServerMessage) {
        guard let user = message.data.flatMap({ SimulatedClient.string("user_id", in: $0) }) else {
            return check(false, .wire, "a member was added without an id")
        }
        check(subscription.phase == .live, .seam, "a member was added before the subscription began")
        check(
            subscription.members.insert(user).inserted, .presence,
            "\(String(decoding: user, as: UTF8.self)) was added twice")
    }

    private func memberRemoved(_ message: ServerMessage) {
        guard let user = message.data.flatMap({ SimulatedClient.string("user_id", in: $0) }) else {
            return check(false, .wire, "a member was removed without an id")
        }
        check(subscription.phase == .live, .seam, "a member was removed before the subscription began")
        check(
            subscription.members.remove(user) != nil, .presence,
            "\(String(decoding: user, as: UTF8.self)) was removed and was not there")
    }

    private func clientEvent(_ name: ClientEventName, _ message: ServerMessage) {
        guard let event = client.audit.clientEvents[name] else {
            return check(false, .wire, "a client event came that nobody has sent")
        }
        check(event.address == address, .authorisation, "a client event of another channel came")
        check(event.socket != client.socketID, .wire, "a client event came back to its sender")
        check(message.user == event.user, .authorisation, "a client event bears a name that nobody has signed")
        check(subscription.events.insert(name).inserted, .deliveryOrder, "a client event came twice")
    }
}
