import NIOCore
import WebSocketCore

/// What the connections of one event loop share: payload, clock, counters, and what publishers have to be told.
///
/// Confined to its loop's thread. A message costs no allocation here; a read costs one look at the clock.
final class LoadLoop {
    let eventLoop: any EventLoop
    let run: RunContext
    let payload: Payload
    /// Messages that a connection, or a publisher, keeps under way.
    let inFlight: Int
    /// When the present read began, in nanoseconds of the run.
    private(set) var now: UInt64
    /// Whether new messages are sent.
    private(set) var isSending = false

    private let isolated: NIOIsolatedEventLoop
    private var sessions: [LoadSession] = []
    private var openSessions = 0
    private var opener: ConnectionOpener?
    private var exchange: ExchangeRound?
    private var whenClosed: EventLoopPromise<Void>?
    private var isStopping = false

    private var reader: ObjectIdentifier?
    private var tickEndIsDue = false
    private var messages: UInt64 = 0
    private var readCount: UInt64 = 0
    private var histogram = LatencyHistogram()
    private var tally: DeliveryTally
    private var publishers: [NIOLoopBound<PublisherSession>] = []

    /// Made on its loop's thread.
    init(_ run: RunContext, eventLoop: any EventLoop) {
        let plan = run.plan
        self.run = run
        self.eventLoop = eventLoop
        isolated = eventLoop.assumeIsolated()
        payload = Payload(size: plan.size, kind: plan.kind, seed: run.seed)
        inFlight = plan.work == .idle ? 1 : plan.inFlight
        tally = DeliveryTally(publishers: plan.publishers)
        now = run.clock
    }

    var faults: FaultLog { run.faults }

    // MARK: - Connecting

    /// Opens the connections with these numbers.
    ///
    /// - Returns: when it was over, in nanoseconds of the run.
    func openConnections(_ numbers: StrideTo<Int>, concurrency: Int) -> EventLoopFuture<UInt64> {
        let opener = ConnectionOpener(self, numbers, concurrency: concurrency)
        self.opener = opener
        return opener.start()
    }

    /// Makes the session of a connection whose handshake is over.
    func makeSession(_ number: Int, startedAt: UInt64) -> LoadSession {
        let plan = run.plan
        switch plan.work {
        case .echo, .idle: return EchoSession(self, index: number)
        case .connect: return VisitSession(self, index: number, startedAt: startedAt)
        case .fanOut where number < plan.connections:
            return SubscriberSession(self, index: number, publishers: plan.publishers)
        case .fanOut: return PublisherSession(self, index: number - plan.connections)
        }
    }

    /// A connection is open.
    func opened(_ session: LoadSession) {
        openSessions += 1
        run.opened.add(1)
        (session is PublisherSession ? run.openPublishers : run.open).add(1)
        if run.plan.work != .connect { sessions.append(session) }
    }

    /// A connection has ended; unless it should, this is a fault.
    func closed(_ session: LoadSession, _ outcome: CloseOutcome) {
        openSessions -= 1
        (session is PublisherSession ? run.openPublishers : run.open).add(-1)
        if run.plan.work == .connect {
            if !outcome.wasClean { faults.add { ConnectionFailure.words(outcome, of: session.name) } }
            opener?.slotIsFree()
        } else if !isStopping {
            faults.add { ConnectionFailure.words(outcome, of: session.name) }
            if let subscriber = session as? SubscriberSession { left(subscriber) }
            exchange?.ended(session)
        }
        if openSessions == 0 { whenClosed?.succeed() }
    }

    // MARK: - Reading

    /// A session has a message: reads the clock, once for all messages of the same read.
    func reads(_ session: LoadSession) {
        let reader = ObjectIdentifier(session)
        guard self.reader != reader else { return }
        self.reader = reader
        readCount &+= 1
        readClock()
        callAtEndOfTick()
    }

    /// Sets ``now`` to the present.
    func readClock() { now = run.clock }

    /// Counts a message that came as it should.
    func counts(_ sentAt: UInt64) {
        messages &+= 1
        histogram.record(now > sentAt ? now - sentAt : 0)
    }

    /// So many messages of this publisher have arrived, or never will; it is told at the end of the tick.
    func delivered(_ count: Int, of publisher: Int) { tally.add(count, of: publisher) }

    private func callAtEndOfTick() {
        guard !tickEndIsDue else { return }
        tickEndIsDue = true
        isolated.execute { [self] in
            tickEndIsDue = false
            reader = nil
            tellPublishers()
        }
    }

    private func tellPublishers() {
        guard !tally.isEmpty else { return }
        tally.drain { number, count in
            guard number < publishers.count else { return }
            let publisher = publishers[number]
            if publisher.eventLoop === eventLoop {
                publisher.value.delivered(count)
            } else {
                publisher.eventLoop.execute { publisher.value.delivered(count) }
            }
        }
    }

    private func left(_ subscriber: SubscriberSession) {
        tellPublishers()
        for (number, publisher) in publishers.enumerated() {
            let next = subscriber.expected(of: number)
            publisher.eventLoop.execute { publisher.value.subscriberLeft(next: next) }
        }
    }

    // MARK: - The course of a run

    /// The publishers of this loop, with their numbers.
    func ownPublishers() -> [(number: Int, session: NIOLoopBound<PublisherSession>)] {
        sessions.compactMap { session in
            (session as? PublisherSession).map { ($0.index, NIOLoopBound($0, eventLoop: eventLoop)) }
        }
    }

    /// Takes over who publishes, in the order of their numbers, and tells the own ones how many subscribers there are.
    func prepare(publishers: [NIOLoopBound<PublisherSession>], subscribers: Int) {
        self.publishers = publishers
        for session in sessions { (session as? PublisherSession)?.expect(subscribers: subscribers) }
    }

    /// Sends the first messages of every connection; from now on each one that arrives is followed by another.
    func startSending() {
        isSending = true
        for session in sessions {
            readClock()
            session.start()
        }
    }

    /// From now on nothing new is sent.
    func stopSending() { isSending = false }

    /// Messages under way of which something is still awaited.
    var outstanding: Int { sessions.reduce(0) { $0 + $1.outstanding } }

    /// Messages that the publishers of this loop have sent.
    var published: UInt64 { sessions.reduce(0) { $0 + (($1 as? PublisherSession)?.published ?? 0) } }

    /// Lets each connection have one echo.
    func exchangeOnce(concurrency: Int) -> EventLoopFuture<Void> {
        let round = ExchangeRound(self, sessions, concurrency: concurrency)
        exchange = round
        return round.start()
    }

    /// An echo has arrived that is not followed by another message.
    func answered() { exchange?.answered() }

    /// What was counted so far; latencies begin anew.
    func snapshot() -> LoopSnapshot {
        defer { histogram.reset() }
        return LoopSnapshot(messages: messages, reads: readCount, histogram: histogram)
    }

    /// Closes all connections.
    func close() -> EventLoopFuture<Void> {
        isStopping = true
        isSending = false
        let promise = eventLoop.makePromise(of: Void.self)
        for session in sessions { session.close() }
        if openSessions == 0 { promise.succeed() } else { whenClosed = promise }
        // Who does not answer is cut off when the loops end.
        eventLoop.scheduleTask(in: .seconds(2)) { promise.succeed() }
        return promise.futureResult
    }

    /// Lets go of everything.
    func clear() {
        sessions = []
        publishers = []
        opener = nil
        exchange = nil
    }
}

@available(*, unavailable)
extension LoadLoop: Sendable {}
