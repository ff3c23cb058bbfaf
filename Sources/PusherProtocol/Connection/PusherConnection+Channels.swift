import Channels
import WebSocketCore

/// Subscribing, unsubscribing, and what channels say about that (spec: pusher-protocol §5.1 to §5.5).
extension PusherConnection {
    func subscribe(_ command: SubscribeCommand) {
        do throws(SubscriptionProblem) {
            try subscribe(checking: command)
        } catch {
            refuse(command.channel, error)
        }
    }

    private func subscribe(checking command: SubscribeCommand) throws(SubscriptionProblem) {
        guard let kind = PusherChannelKind(command.channel), let name = ChannelName(command.channel) else {
            throw .invalidName
        }
        let current = places[name]
        let maximum = runtime.app.limits.channelsPerConnection
        guard current != nil || places.count < maximum else { throw .tooManyChannels(maximum) }
        let identity = try authorize(command, kind)
        let request = SubscriptionRequest(
            start: command.start, identity: identity, wantsNewest: kind.isCache)
        if let current, !kind.isPresence, command.start == .live {
            // Idempotent. One that has not begun is going to be answered anyway.
            guard current.subscription?.hasStarted == true else { return }
            return deliver(SubscriptionReply.frame(in: name, SubscriptionStart()))
        }
        guard current != nil || runtime.takeSubscription(having: subscriptionCount) else { throw .nodeIsFull }
        places.set(
            ChannelPlace(
                name: name, subscription: nil, userID: identity?.id, kind: kind, isResuming: command.isResuming))
        let subscription = runtime.hub.subscribe(name, with: self, on: shard, request)
        // The new one first, so that the user is present all the time.
        current?.subscription?.leave()
        if !places.confirm(name, subscription) { subscription.leave() }
    }

    /// Whether the client has a right to the channel; whom it makes present there.
    private func authorize(
        _ command: SubscribeCommand, _ kind: PusherChannelKind
    ) throws(SubscriptionProblem) -> Identity? {
        switch kind.access {
        case .open: return nil
        case .user:
            guard let user, PusherChannelNames.serverToUser(user.id)?.bytes == command.channel else {
                throw .notAuthorized
            }
            return nil
        case .signed:
            var message = socketID.text
            message.append(UInt8(ascii: ":"))
            message.append(contentsOf: command.channel)
            if let data = command.channelData {
                message.append(UInt8(ascii: ":"))
                message.append(contentsOf: data)
            }
            guard runtime.isAuthorized(command.auth, message) || PlantedBug.isOn(.acceptAnySignature) else {
                throw command.auth.isEmpty ? .unsigned : .notAuthorized
            }
            let identity = try identity(command, kind)
            isAuthorized()
            return identity
        }
    }

    private func identity(
        _ command: SubscribeCommand, _ kind: PusherChannelKind
    ) throws(SubscriptionProblem) -> Identity? {
        guard kind.isPresence else { return nil }
        if let data = command.channelData { return try PresenceData.identity(data, runtime.app.limits) }
        guard let user else {
            throw .invalid("A presence channel needs channel_data, or a connection that has signed in.")
        }
        return PresenceDetails.identity(id: user.id, isNumber: false, info: user.info)
    }

    func unsubscribe(_ channel: [UInt8]) {
        guard let name = ChannelName(channel) else { return }
        remove(name)?.subscription?.leave()
    }

    private func remove(_ name: ChannelName) -> ChannelPlace? {
        let before = subscriptionCount
        guard let place = places.remove(name) else { return nil }
        runtime.giveSubscriptions(1, of: before)
        return place
    }

    /// Sends an event to the others in a channel (spec: pusher-protocol §5.4).
    ///
    /// - Returns: how many on this shard hear of it.
    func send(_ event: PusherEvent, to channel: [UInt8]) -> Int {
        guard let place = placeToSend(event, to: channel) else { return 0 }
        let publication = event.publication(sender: place.userID, excluded: socketID)
        runtime.hub.relay(publication, to: place.name)
        node.report(.clientEvent(publication, from: socketID), in: place.name, of: runtime.app)
        return place.subscription?.listenerCount ?? 0
    }

    /// Where the event may go; `nil` when it is refused.
    private func placeToSend(_ event: PusherEvent, to channel: [UInt8]) -> ChannelPlace? {
        func refuse(_ text: String) -> ChannelPlace? {
            self.refuse(text)
            return nil
        }
        let app = runtime.app
        guard app.allowsClientEvents else { return refuse("This app does not allow client events.") }
        guard PusherEventName.isValid(event.name, app.limits) else {
            return refuse("The name of this client event is too long, or has control characters.")
        }
        guard event.payload.count <= app.limits.clientEventBytes else {
            return refuse("The data of a client event has \(app.limits.clientEventBytes) bytes at most.")
        }
        guard let place = ChannelName(channel).flatMap({ places[$0] }), place.kind.allowsClientEvents,
            place.subscription?.hasStarted == true
        else { return refuse("Client events go to private and presence channels that you are subscribed to.") }
        guard takeClientEvent() else {
            return refuse("Client events are limited to \(app.limits.clientEventsPerSecond) a second.")
        }
        return place
    }

    private func refuse(_ channel: [UInt8], _ problem: SubscriptionProblem) {
        report(problem.status, problem.text)
        guard channel.count <= Self.maximumEchoBytes else { return deliver(PusherMessages.error(nil, problem.text)) }
        deliver(PusherMessages.subscriptionError(channel, problem))
    }

    func subscriptionStarted(_ channel: ChannelName, _ start: SubscriptionStart) {
        let (reply, isNew) = SubscriptionReply.value(in: channel, start)
        shard.charge(bytes: reply.bytes.count, encodings: isNew ? 1 : 0)
        guard shard.takesRoom(for: reply.bytes.count) else { return mustRecover(channel) }
        deliver(reply)
        guard let place = places[channel], place.kind.isCache else { return }
        // The newest is among what it has, or among what follows.
        if place.isResuming, case .recovered = start.recovery { return }
        if let newest = start.newest {
            deliver(runtime.encoder.frame(for: newest, at: nil, in: channel))
        } else {
            deliver(PusherMessages.cacheMiss(channel))
            if runtime.isCacheMissNews(channel) { node.report(.cacheMiss, in: channel, of: runtime.app) }
        }
    }

    func subscriptionRefused(_ channel: ChannelName, _ error: EngineError) {
        _ = remove(channel)
        refuse(channel.bytes, error == .full ? .full : .unavailable)
    }
}
