import Channels
import PusherProtocol

/// What must hold when the faults are over: everybody is complete, and afterwards nothing is left.
struct FinalAudit {
    let world: World

    private func check(_ condition: Bool, _ invariant: Invariant, _ words: @autoclosure () -> String) {
        world.scheduler.check(condition, invariant, words())
    }

    /// Whether every client has what it wants, and every publish its answer.
    var hasConverged: Bool {
        world.publishers.allSatisfy(\.isSettled)
            && world.clients.allSatisfy { client in
                client.phase == .connected && knowsWhoIsOnline(client)
                    && client.subscriptions.allSatisfy { $0.isRevoked || $0.phase == .live && isComplete($0) }
            }
            && world.addresses.allSatisfy(presenceIsRight)
    }

    private func isComplete(_ subscription: ClientSubscription) -> Bool {
        !subscription.wantsPositions || subscription.position == world.host.audit(subscription.address, limit: 0)?.top
    }

    func checkConvergence() {
        for publisher in world.publishers {
            for job in publisher.jobs where !job.isSettled {
                check(false, .liveness, "request \(job.number) has had no answer in \(job.attempts) attempts")
            }
            for job in publisher.jobs { checkWhole(job) }
        }
        for client in world.clients {
            check(client.phase == .connected, .liveness, "\(client.words) is not connected")
            checkOnline(client)
            for subscription in client.subscriptions where !subscription.isRevoked {
                checkTop(subscription, of: client)
            }
        }
        for address in world.addresses {
            checkHistoryReader(address)
            checkPresence(address)
            checkCounts(address)
            world.audit.checkLog(address, world)
        }
    }

    /// Of what was published at once all is there or nothing.
    private func checkWhole(_ job: PublishJob) {
        for commit in world.truth.commits[job.number] ?? [] {
            check(
                commit.positions.count == job.addresses.count, .allOrNothing,
                "of request \(job.number) \(commit.positions.count) of \(job.addresses.count) entries are there")
        }
    }

    private func checkTop(_ subscription: ClientSubscription, of client: SimulatedClient) {
        let place = "\(client.words) in \(words(subscription.address))"
        guard subscription.phase == .live else { return check(false, .liveness, "\(place) has not subscribed") }
        let top = world.host.audit(subscription.address, limit: 0)?.top
        if subscription.wantsPositions {
            check(
                subscription.position == top, .liveness,
                "\(place) is at \(words(subscription.position)), and the top is \(words(top))")
        } else {
            check(
                subscription.seen == top, .liveness,
                "\(place) has seen \(words(subscription.seen)), and the top is \(words(top))")
        }
    }

    /// Who of those that a client watches has signed in, by the clients' own books.
    private func expectedOnline(_ client: SimulatedClient, _ signIn: ClientSignIn) -> Set<[UInt8]> {
        let users = world.clients.filter { $0.app.id == client.app.id && $0.signIn?.isDone == true }.map(\.user)
        return Set(users).intersection(signIn.watched)
    }

    private func knowsWhoIsOnline(_ client: SimulatedClient) -> Bool {
        client.signIn.map { $0.isDone && $0.online == expectedOnline(client, $0) } ?? true
    }

    private func checkOnline(_ client: SimulatedClient) {
        guard let signIn = client.signIn else { return }
        check(signIn.isDone, .liveness, "\(client.words) is not signed in")
        let expected = expectedOnline(client, signIn)
        check(
            signIn.online == expected, .presence,
            "of those whom \(client.words) watches \(expected.count) are online, and it was told "
                + "of \(signIn.online.count)")
    }

    private func checkHistoryReader(_ address: ChannelAddress) {
        let top = world.host.audit(address, limit: 0)?.top
        for reader in world.historyReaders {
            guard let position = reader.position(in: address) else { continue }
            check(
                position == top, .liveness,
                "who reads the history of \(words(address)) is at \(words(position)), and the top is \(words(top))")
        }
    }

    /// By the clients' own books: who has a subscription to the channel.
    private func expectedMembers(_ address: ChannelAddress) -> Set<[UInt8]> {
        Set(
            world.clients.filter { client in
                client.subscriptions.contains { $0.address == address && $0.phase == .live }
            }.map(\.user))
    }

    private func isPresence(_ address: ChannelAddress) -> Bool {
        address.name.bytes.starts(with: Array("presence-".utf8))
    }

    private func presenceIsRight(_ address: ChannelAddress) -> Bool {
        guard isPresence(address) else { return true }
        let expected = expectedMembers(address)
        return Set(world.host.auditMembers(address)?.members.map(\.id) ?? []) == expected
            && world.clients.allSatisfy { client in
                client.subscriptions.allSatisfy {
                    $0.address != address || $0.phase != .live || $0.members == expected
                }
            }
    }

    private func checkPresence(_ address: ChannelAddress) {
        guard isPresence(address) else { return }
        let expected = expectedMembers(address)
        func text(_ members: Set<[UInt8]>) -> String {
            members.map { String(decoding: $0, as: UTF8.self) }.sorted().joined(separator: ", ")
        }
        let kept = Set(world.host.auditMembers(address)?.members.map(\.id) ?? [])
        check(
            kept == expected, .presence,
            "\(words(address)): [\(text(expected))] are there, and the store has [\(text(kept))]")
        for client in world.clients {
            for subscription in client.subscriptions
            where subscription.address == address && subscription.phase == .live {
                check(
                    subscription.members == expected, .presence,
                    "\(words(address)): [\(text(expected))] are there, and \(client.words) has "
                        + "[\(text(subscription.members))]")
            }
        }
    }

    private func checkCounts(_ address: ChannelAddress) {
        let live = world.clients.reduce(0) { sum, client in
            sum + client.subscriptions.filter { $0.address == address && $0.phase == .live }.count
        }
        let count = world.host.auditOccupancy(address)?.subscriptions ?? 0
        check(
            count == live, .presence, "\(words(address)) has \(live) subscriptions, and the store counts \(count)")
        guard world.scenario.tellsCounts, !isPresence(address) else { return }
        for client in world.clients {
            for subscription in client.subscriptions where subscription.address == address {
                check(
                    subscription.count.map { $0 == live } ?? true, .presence,
                    "\(words(address)) has \(live) subscriptions, and \(client.words) was told \(subscription.count ?? 0)"
                )
            }
        }
    }

    /// Nobody is there any more: no channel, no connection, no member.
    func checkNothingIsLeft() {
        for node in world.liveNodes {
            check(node.connections.isEmpty, .bounds, "\(node.connections.count) connections are left")
            for runtime in node.pusher.runtimes {
                check(runtime.connectionCount == 0, .bounds, "\(runtime.connectionCount) connections are still counted")
                check(
                    runtime.hub.channelCount == 0, .bounds, "\(runtime.hub.channelCount) channels are left on a node")
            }
        }
        for address in world.addresses {
            let occupancy = world.host.auditOccupancy(address)
            check(
                occupancy.map { $0.subscriptions == 0 && $0.users == 0 } ?? true, .bounds,
                "\(words(address)) has \(occupancy?.subscriptions ?? 0) subscriptions and \(occupancy?.users ?? 0) users, "
                    + "and everybody has left")
        }
        world.audit.checkNothingIsObserved()
    }
}
