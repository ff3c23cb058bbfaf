import Channels
import PusherProtocol
import WebSocketCore

/// A client that wants some channels, comes and goes, and believes nothing that it is told.
final class SimulatedClient {
    enum Phase {
        case away
        case connecting
        case connected
    }

    static let rules: ConnectionRules = {
        var limits = ConnectionLimits()
        limits.setMaximumMessage(bytes: 1 << 20)
        return ConnectionRules(role: .client, limits: limits)
    }()
    /// A server that does not answer for so long is given up, in microseconds.
    static let patience: UInt64 = 5_000_000

    let world: World
    let number: Int
    let app: PusherApp
    /// The id that the app signs for presence channels, as JSON: some are numbers.
    let user: [UInt8]
    let userIsNumber: Bool
    let subscriptions: [ClientSubscription]
    /// `nil` for a client that never signs in.
    var signIn: ClientSignIn?
    var random: SeededRandom
    private(set) var phase = Phase.away
    private(set) var wire: Wire?
    private(set) var socketID: [UInt8] = []
    private var connectedAt: UInt64 = 0
    /// A socket id of before, and signatures for it, which must be worth nothing.
    private(set) var formerSocketID: [UInt8] = []
    private var inbox: [UInt8] = []
    private var inboxStart = 0
    private var reader = MessageReader(rules: SimulatedClient.rules)
    private var eventCount = 0
    private var lastPing: UInt64?
    /// When the server was last heard, in microseconds.
    private var heardAt: UInt64 = 0

    var scheduler: Scheduler { world.scheduler }
    var audit: Audit { world.audit }
    var truth: Truth { world.truth }

    init(
        world: World, number: Int, app: PusherApp, user: [UInt8], userIsNumber: Bool,
        subscriptions: [ClientSubscription], signIn: ClientSignIn?, random: SeededRandom
    ) {
        self.world = world
        self.number = number
        self.app = app
        self.user = user
        self.userIsNumber = userIsNumber
        self.subscriptions = subscriptions
        self.signIn = signIn
        self.random = random
    }

    var words: String { "client \(number)" }

    // MARK: Coming and going

    func connect() {
        guard phase == .away, let node = random.pick(world.liveNodes) else { return }
        let wire = Wire(
            scheduler: scheduler, number: number, latency: random.pick([200, 2_000, 30_000]) ?? 2_000,
            random: random.split())
        wire.client = self
        self.wire = wire
        scheduler.note("\(words) connects to node \(node.process.index)")
        phase = .connecting
        connectedAt = scheduler.now
        heardAt = scheduler.now
        inbox = []
        inboxStart = 0
        reader = MessageReader(rules: SimulatedClient.rules)
        let query = "protocol=\(random.pick([5, 6, 7, 7, 7]) ?? 7)&client=sim&version=1.0"
        let (path, shard) = ("/app/\(app.keys.first?.key ?? "")", random.below(8))
        scheduler.schedule(.toServer, number, after: UInt64(300 + random.below(2_000)), on: node.process) {
            if !wire.isCut { node.accept(wire, path: path, query: query, shard: shard) }
        }
    }

    /// Ends the connection from this side: the server may learn of it much later.
    func drop() {
        guard let wire else { return }
        if random.chance(300) {
            // Half a message, the last thing that anybody hears.
            let bytes = frame(Array(#"{"event":"pusher:ping","data":{}}"#.utf8))
            wire.send(Array(bytes.prefix(random.below(bytes.count))))
        }
        wire.closeUpward(after: random.chance(200) ? UInt64(1_000_000 + random.below(8_000_000)) : 500)
        wire.cut()
        lost()
    }

    private func lost() {
        scheduler.note("\(words) has lost its connection")
        formerSocketID = socketID
        wire = nil
        phase = .away
        socketID = []
        for subscription in subscriptions { subscription.reset() }
        signIn?.reset()
    }

    /// The server has ended the connection, or the network has.
    func wireEnded(_ wire: Wire) {
        guard wire === self.wire else { return }
        wire.closeUpward(after: 500)
        lost()
    }

    /// Gives up a server that says nothing.
    func checkPatience() {
        guard wire != nil else { return }
        if phase == .connecting, scheduler.now > connectedAt + Self.patience { return drop() }
        if let lastPing, heardAt < lastPing, scheduler.now > lastPing + Self.patience, wire?.isStalled == false {
            drop()
        }
    }

    /// Forgets the connection.
    func dispose() { wire = nil }

    // MARK: What it does by itself

    /// Begins to do something now and then.
    func live() {
        let interval = world.scenario.clientInterval * 1_000
        scheduler.schedule(.client, number, after: UInt64(interval / 2 + random.below(interval))) { [self] in
            guard !world.isEnding else { return }
            if world.isSettling { settle() } else { act() }
            live()
        }
    }

    private func act() {
        checkPatience()
        guard phase == .connected else {
            if phase == .away { connect() }
            return
        }
        let choice = random.below(100)
        guard let subscription = random.pick(subscriptions) else { return }
        switch choice {
        case ..<5: drop()
        case ..<10: stall()
        case ..<14: ping()
        case ..<26: sendEvent(to: subscription)
        case ..<34: unsubscribe(subscription)
        case ..<37:
            // A stock client that asks twice.
            if subscription.phase == .live, !subscription.wantsPositions { subscribe(subscription) }
        case ..<42: askToSignIn()
        default: subscribeIfIdle(subscription)
        }
    }

    private func subscribeIfIdle(_ subscription: ClientSubscription) {
        if subscription.phase == .none, subscription.notBefore <= scheduler.now { subscribe(subscription) }
    }

    private func stall() {
        guard let wire, !wire.isStalled else { return }
        wire.isStalled = true
        scheduler.schedule(.client, number, after: UInt64(random.within(20_000...6_000_000))) { wire.isStalled = false }
    }

    /// When the faults are over every client wants everything that it may have.
    private func settle() {
        checkPatience()
        wire?.isStalled = false
        guard phase == .connected else {
            if phase == .away { connect() }
            return
        }
        for subscription in subscriptions where !subscription.isRevoked {
            if subscription.isInDoubt { subscription.abandon() }
            subscribeIfIdle(subscription)
        }
        if let signIn, !signIn.isDone, signIn.unanswered == 0 { askToSignIn() }
        // Half-open connections show when nobody answers.
        if lastPing.map({ $0 + 3_000_000 < scheduler.now }) ?? true { ping() }
    }

    // MARK: Sending

    private func frame(_ text: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        let key = UInt32(truncatingIfNeeded: random.next())
        FrameHeader.append(opcode: .text, maskingKey: key, payloadLength: text.count, to: &bytes)
        let start = bytes.count
        bytes.append(contentsOf: text)
        bytes.withUnsafeMutableBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            Masking.apply(key, from: base + start, to: base + start, count: text.count)
        }
        return bytes
    }

    func send(_ json: JSONWriter, _ note: ClientNote = .other) {
        guard let wire, let connection = wire.connection else { return }
        scheduler.note("\(words) sends \(String(decoding: json.bytes, as: UTF8.self))")
        connection.notes.append(note)
        wire.send(frame(json.bytes))
    }

    func ping() {
        var json = JSONWriter()
        json.raw(#"{"event":"pusher:ping","data":{}}"#)
        send(json)
        lastPing = scheduler.now
    }

    /// Asks for a channel.
    func subscribe(_ subscription: ClientSubscription) {
        guard phase == .connected else { return }
        let isForged =
            subscription.kind.access == .signed && subscription.phase == .none
            && (subscription.isRevoked || !world.isSettling && random.chance(30))
        var position = subscription.wantsPositions ? subscription.position : nil
        var isInvented = false
        if subscription.wantsPositions, !world.isSettling, random.chance(30) {
            // What a hostile client says must not lead to another log, nor to a recovery that is none.
            isInvented = true
            let epoch = position?.epoch ?? Epoch(rawValue: random.next())
            position = Position(epoch: epoch, offset: UInt64(random.pick([0, 1, 5_000, 1 << 52]) ?? 0))
            if position == subscription.position { position?.offset = 4_999 }
        }
        let page = world.host.audit(subscription.address, limit: 0)
        let newest = subscription.kind.isCache ? world.host.auditNewest(subscription.address) : nil
        subscription.request = ClientSubscription.Request(
            position: position, isInvented: isInvented, isForged: isForged, life: truth.life, top: page?.top,
            oldest: page?.oldest ?? 0, newest: newest?.offset)
        subscription.unanswered += 1
        if subscription.phase == .none { subscription.phase = .asked }

        var json = JSONWriter()
        json.raw(#"{"event":"pusher:subscribe","data":{"channel":"#)
        json.string(subscription.name)
        if subscription.kind.access == .signed { sign(subscription, isForged: isForged, &json) }
        if subscription.wantsPositions {
            json.raw(#","recover":{"#)
            if let position {
                json.raw(#""epoch":"#)
                json.string(position.epoch.text)
                json.raw(#","offset":"#)
                json.number(position.offset)
            }
            json.raw("}")
        }
        json.raw("}}")
        send(
            json,
            .subscribes(subscription.name, generation: subscription.generation, isForged: isForged))
    }

    private func sign(_ subscription: ClientSubscription, isForged: Bool, _ json: inout JSONWriter) {
        var signed = isForged && !formerSocketID.isEmpty ? formerSocketID : socketID
        signed.append(UInt8(ascii: ":"))
        signed.append(contentsOf: subscription.name)
        var identity = JSONWriter()
        if subscription.kind.isPresence {
            identity.raw(#"{"user_id":"#)
            if userIsNumber { identity.raw(user) } else { identity.string(user) }
            identity.raw(#","user_info":{"name":"user \""#)
            identity.raw(user)
            identity.raw(#"\""}}"#)
            signed.append(UInt8(ascii: ":"))
            signed.append(contentsOf: identity.bytes)
        }
        // A right that was taken away is a signature for another socket, or with another secret.
        let isOld = isForged && !formerSocketID.isEmpty
        let secret = isForged && !isOld ? "guessed" : app.keys.first?.secret ?? ""
        json.raw(#","auth":"#)
        json.string(Array("\(app.keys.first?.key ?? ""):".utf8) + PusherSignature.sign(signed, with: secret))
        if subscription.kind.isPresence {
            json.raw(#","channel_data":"#)
            json.string(identity.bytes)
        }
    }

    func unsubscribe(_ subscription: ClientSubscription) {
        guard phase == .connected, subscription.phase != .none else { return }
        var json = JSONWriter()
        json.raw(#"{"event":"pusher:unsubscribe","data":{"channel":"#)
        json.string(subscription.name)
        json.raw("}}")
        send(json, .unsubscribes(subscription.name))
        subscription.abandon()
    }

    func sendEvent(to subscription: ClientSubscription) {
        guard phase == .connected, subscription.phase == .live, subscription.kind.allowsClientEvents else { return }
        eventCount += 1
        let name = ClientEventName(client: number, number: eventCount)
        audit.clientEvents[name] = Audit.ClientEvent(
            address: subscription.address, user: subscription.kind.isPresence ? user : nil, socket: socketID)
        var json = JSONWriter()
        json.raw(#"{"event":"client-note","channel":"#)
        json.string(subscription.name)
        // A client may claim to be whoever it likes.
        json.raw(#","user_id":"somebody else","data":"#)
        json.string(name.text + Array("…".utf8))
        json.raw("}")
        send(json)
    }

    // MARK: Reading

    func received(_ piece: ArraySlice<UInt8>, from wire: Wire) {
        guard wire === self.wire else { return }
        heardAt = scheduler.now
        scheduler.trace.mix(piece)
        inbox.append(contentsOf: piece)
        var position = 0
        while wire === self.wire {
            let start = inboxStart + position
            let event = inbox.withUnsafeMutableBytes { buffer -> MessageEvent? in
                guard let base = buffer.baseAddress else { return .needsInput }
                return try? reader.next(UnsafeRawBufferPointer(buffer), position: &position, output: base)
            }
            switch event {
            case .needsInput:
                inbox.removeFirst(position)
                inboxStart += position
                return
            case .message(.text, let range):
                pass(marksOf: wire, upTo: start)
                let text = Array(inbox[range])
                guard let message = ServerMessage(text.span.bytes) else {
                    return scheduler.report(.wire, "\(words) was sent \(String(decoding: text, as: UTF8.self))")
                }
                take(message)
            case .assembledMessage(.text, let text):
                pass(marksOf: wire, upTo: start)
                guard let message = ServerMessage(text.span.bytes) else {
                    return scheduler.report(.wire, "\(words) was sent \(String(decoding: text, as: UTF8.self))")
                }
                take(message)
            case .close(let frame):
                let code = frame.code?.rawValue ?? 0
                scheduler.check(
                    (4000..<4300).contains(code) || code == 1008, .wire,
                    "\(words) was closed with \(code) \(frame.reason)")
            default: return scheduler.report(.wire, "\(words) was sent bytes that are no message")
            }
        }
    }

    /// What the server may send changes at some places of the stream.
    private func pass(marksOf wire: Wire, upTo offset: Int) {
        while let mark = wire.marks.first, mark.offset <= offset {
            wire.marks.removeFirst()
            for subscription in subscriptions where subscription.name == mark.channel {
                subscription.isOpen = mark.isOpen
                if let generation = mark.generation { subscription.openGeneration = generation }
            }
        }
    }

    private func take(_ message: ServerMessage) {
        scheduler.note("\(words) reads \(message)")
        if phase == .connecting {
            guard message.event == Array("pusher:connection_established".utf8), message.dataIsText else {
                return scheduler.report(.wire, "\(words) was told something before it was connected")
            }
            phase = .connected
            socketID = message.data.flatMap { Self.socketID(in: $0) } ?? []
            lastPing = nil
            return
        }
        guard let channel = message.channel else { return takeOwn(message) }
        guard let subscription = subscriptions.first(where: { $0.name == channel }) else {
            return scheduler.report(
                .authorisation, "\(words) hears of \(String(decoding: channel, as: UTF8.self)), unasked")
        }
        if message.event == Array("pusher:subscription_error".utf8) {
            if subscription.openGeneration == subscription.generation { refused(subscription, message) }
            return
        }
        guard subscription.isOpen else {
            return scheduler.report(
                .authorisation, "\(words) hears of \(Simulation.words(subscription.address)) without a right to it")
        }
        guard subscription.openGeneration == subscription.generation else { return }
        ChannelReader(client: self, subscription: subscription).take(message)
    }

    private func takeOwn(_ message: ServerMessage) {
        switch String(decoding: message.event, as: UTF8.self) {
        case "pusher:pong", "pusher:error": break
        case "pusher:signin_success": signedIn()
        case "pusher_internal:watchlist_events": watchedHaveChanged(message)
        default: scheduler.report(.wire, "\(words) was sent \(String(decoding: message.event, as: UTF8.self))")
        }
    }

    private func refused(_ subscription: ClientSubscription, _ message: ServerMessage) {
        guard subscription.unanswered > 0, let request = subscription.request else {
            return scheduler.report(.wire, "\(words) was refused what it had not asked")
        }
        subscription.unanswered -= 1
        let status = message.data.flatMap { Self.status(in: $0) }
        scheduler.check(
            request.isForged == (status == 401) || status == 503, .authorisedAgain,
            "\(words) was refused \(Simulation.words(subscription.address)) with \(status ?? 0)")
        // A subscription that was asked for once more is over as well, unless there is still an answer to come.
        guard subscription.unanswered == 0 else {
            subscription.isInDoubt = true
            return
        }
        subscription.reset()
        subscription.notBefore = scheduler.now + UInt64(200_000 + random.below(800_000))
    }

    private static func socketID(in data: [UInt8]) -> [UInt8]? { string("socket_id", in: data) }

    static func string(_ name: StaticString, in data: [UInt8]) -> [UInt8]? {
        let text = data.span.bytes
        guard let object = try? EnvelopeReader.read(text),
            let member = EnvelopeReader.member(name, of: object, in: text)
        else { return nil }
        return member.kind == .number
            ? EnvelopeReader.raw(member, in: text) : EnvelopeReader.string(member, in: text)
    }

    private static func status(in data: [UInt8]) -> UInt64? {
        let text = data.span.bytes
        guard let object = try? EnvelopeReader.read(text) else { return nil }
        return EnvelopeReader.wholeNumber("status", of: object, in: text)
    }
}

@available(*, unavailable)
extension SimulatedClient: Sendable {}
