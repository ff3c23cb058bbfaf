import Glibc
import WebSocketCore

@testable import Reactor

/// A loop with tiny limits, turned by hand on a clock that is not real, its clients, and what must be so after every step. Confined to the thread that makes it.
final class LoopModel: @unchecked Sendable {
    private static let mostClients = 10

    private var random: ModelRandom
    private let loop: ReactorLoop
    private var clients: [ModelClient] = []
    private var opened = 0
    private var serial: UInt32 = 0
    private var milliseconds: UInt64 = 0
    private var failure: ModelFailure?
    /// Bytes of the longest message since the arena was last empty.
    private var largest = 0

    init(seed: UInt64) throws {
        random = ModelRandom(seed: seed)
        var limits = LoopLimits()
        limits.arenaBytes = 256
        limits.firstArenaBytes = 64
        limits.keptArenaBytes = 128
        limits.runs = 4
        limits.keptRuns = 3
        limits.keptFrames = 2
        limits.writesPerTick = 2
        limits.tasksPerTick = 3
        limits.timersPerTick = 2
        limits.releasesAtOnce = 1
        limits.releasesPerTick = 3
        limits.longBytes = 126
        // Without these, what is long is copied as well.
        if random.once(in: 2) {
            limits.copiedRunBytes = 30
            limits.largeRunBytes = 40
            limits.largeWriteBytes = 120
        }
        loop = try ReactorLoop(loops: 1, limits: limits)
        loop.takeThread()
        loop.enter(CarrierEnvironment(outputBudget: OutputBudget(bytes: 60_000), assemblyBudget: 60_000))
    }

    /// So many steps, then rest, then the end.
    func run(steps: Int) throws {
        for _ in 0..<steps {
            step()
            verifyCondemned()
            if let failure { throw failure }
        }
        try rest()
        for client in clients { try client.verifyAtRest() }
        try end()
    }

    /// Keeps the first failure of what a session of the model has seen.
    func note(_ check: () throws -> Void) {
        do {
            try check()
        } catch {
            failure = failure ?? error as? ModelFailure ?? ModelFailure(description: "\(error)")
        }
    }

    // MARK: - Steps

    private func step() {
        switch random.below(100) {
        case ..<34: turn()
        case ..<42: if clients.count < Self.mostClients { open() }
        case ..<50: if let client = any() { sendOwn(client) }
        case ..<60: broadcast()
        case ..<72: if let client = any() { speak(client) }
        case ..<78: if let client = any() { client.flush(atMost: random.once(in: 3) ? 1 + random.below(20) : .max) }
        case ..<92: if let client = any() { note { try client.read(atMost: 1 + random.below(20_000)) } }
        case 92: if let client = any() { client.queuePing(bytes(4)) }
        case 93: if let client = any() { setReading(client.isPaused, client) }
        case 94: if let client = any() { setReading(true, client) }
        case 95: if random.once(in: 2) { closeAny() } else if let client = any() { client.queueClose() }
        case 96: if let client = any() { random.once(in: 4) ? client.endOutput() : client.leave() }
        case 97: if random.once(in: 4) { for client in clients where random.once(in: 2) { client.leave() } }
        case 98: for _ in 0..<random.below(8) { loop.execute { [self] in broadcast() } }
        default: if random.once(in: 30) { letTimePass() }
        }
    }

    private func any() -> ModelClient? { clients.isEmpty ? nil : clients[random.below(clients.count)] }

    /// A connection comes, perhaps with something behind its request.
    private func open() {
        let buffer = Int32(random.once(in: 2) ? 2_304 : 60_000)
        let (descriptor, peer) = ModelSockets.pair(sendBuffer: buffer)
        opened += 1
        let client = ModelClient(number: opened, descriptor: peer)
        clients.append(client)
        var limits = ConnectionLimits.calm
        limits.maximumPendingBytes = random.once(in: 2) ? 3_000 : 60_000
        limits.assemblyTimeout = 600_000
        limits.closeTimeout = 1_000
        let connection = HandedOverConnection(descriptor: descriptor, received: [], limits: limits) { [self] _ in
            (ModelSession(client, self), nil)
        }
        loop.execute { [loop] in loop.take(connection) }
    }

    private func bytes(_ count: Int) -> [UInt8] {
        serial &+= 1
        let number = serial
        return [0] + (0..<4).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
            + [UInt8](repeating: UInt8(truncatingIfNeeded: number &* 7), count: count)
    }

    private func size() -> Int {
        switch random.below(60) {
        case 0: 70 + random.below(300)
        case 1: 8_192 + random.below(3_000)
        default: random.below(50)
        }
    }

    /// What leaves at once when it is an answer, and at times what is longer than anything else.
    private func longSize() -> Int { random.once(in: 5) ? 8_192 + random.below(2_000) : 115 + random.below(60) }

    /// A session says something to its client alone.
    func sendOwn(_ client: ModelClient) {
        guard let connection = client.connection else { return }
        let payload = bytes(size())
        expect(payload, client)
        connection.send(.binary, payload.span.bytes)
    }

    /// A message is queued.
    func expect(_ payload: [UInt8], _ client: ModelClient) {
        largest = max(largest, payload.count + 14)
        client.expect(payload)
    }

    /// The same to many.
    func broadcast() {
        let payload = bytes(size())
        let frame = SharedFrame(.binary, payload)
        for client in clients where !random.once(in: 6) {
            guard let connection = client.connection else { continue }
            expect(payload, client)
            connection.send(frame)
        }
    }

    /// A client says something that its session does something about.
    private func speak(_ client: ModelClient) {
        let orders: [ModelSession.Order] = [
            .nothing, .echo, .echo, .echo, .broadcast, .broadcast, .broadcastAndAnswer, .broadcastAndAnswer,
            random.once(in: 20) ? .close : .nothing, random.once(in: 20) ? .closeAnother : .echo,
            random.once(in: 3) ? .pause : .echo,
        ]
        let order = orders[random.below(orders.count)]
        let isLong = order == .broadcastAndAnswer || order == .echo && random.once(in: 3)
        var payload = bytes(isLong ? longSize() : random.below(60))
        payload[0] = order.rawValue
        client.queue(payload, inParts: random.once(in: 8))
        if !random.once(in: 4) { client.flush(atMost: .max) }
    }

    func close(_ client: ModelClient) {
        guard let connection = client.connection else { return }
        client.mayEnd = true
        connection.close(.normal)
    }

    func closeAny() { if let client = any() { close(client) } }

    func setReading(_ isReading: Bool, _ client: ModelClient) {
        client.isPaused = !isReading
        client.connection?.setReading(isReading)
    }

    /// Long enough for every deadline: some that do not answer are cut off.
    private func letTimePass() {
        for client in clients { client.mayEnd = true }
        milliseconds += 700_000
        turn()
    }

    private func turn() {
        milliseconds += UInt64(random.below(40))
        loop.turn(loop.poller.wait(0), at: MonotonicInstant(milliseconds: milliseconds))
        for client in clients where client.closedTold > 1 {
            note { throw ModelFailure(description: "client \(client.number): its session ended more than once") }
        }
        clients.removeAll { ($0.isGone || $0.hasSeenEnd) && $0.isOpened && $0.connection == nil }
        verify()
    }

    // MARK: - What must be so

    /// A connection that is condemned, or over, is sent nothing.
    private func verifyCondemned() {
        loop.forEachConnection { slot in
            guard !slot.pointee.flags.isDisjoint(with: [.isCondemned, .hasEnded]) else { return }
            if slot.pointee.output != nil {
                note { throw ModelFailure(description: "a connection that is condemned has output") }
            }
        }
    }

    /// The books are right, and the memory is bounded.
    private func verify() {
        var (assembled, live, withOutput) = (0, 0, 0)
        let books = HeldOutput()
        loop.heldOutput.recountDiscarded(into: books)
        loop.forEachConnection { slot in
            slot.pointee.extras?.backlog?.recount(into: books)
            assembled += slot.pointee.extras?.accountedBytes ?? 0
            if !slot.pointee.flags.contains(.hasEnded) { live += 1 }
            if let run = slot.pointee.output {
                withOutput += 1
                if !slot.pointee.flags.contains(.isTouched) || run.pointee.count < 2 {
                    note { throw ModelFailure(description: "output that nobody writes") }
                }
            }
            let flags = slot.pointee.flags
            let isListed = !flags.contains(.hasEnded) || !flags.isDisjoint(with: [.isTouched, .isToBeTold])
            if !isListed { note { throw ModelFailure(description: "a slot that nobody releases") } }
        }
        let connected = clients.count { $0.connection != nil }
        let usage = loop.tickOutput.pointee.usage
        check(
            books.bytes == loop.backlogBytes, "\(loop.backlogBytes) bytes of backlog in the books, not \(books.bytes)")
        check(assembled == loop.assemblingBytes, "\(loop.assemblingBytes) assembling in the books, not \(assembled)")
        check(live == connected, "\(live) slots for \(connected) connections")
        check(usage.runs <= loop.limits.runs, "\(usage.runs) runs")
        // An empty arena takes anything, behind an answer in place as well, and has grown with that.
        let (most, single) = (loop.limits.arenaBytes, 2 * largest)
        check(usage.bytes <= (single <= most ? most : 2 * (most + single)), "\(usage.bytes) bytes in the arena")
        if loop.tickOutput.pointee.isEmpty {
            largest = 0
            check(withOutput == 0 && usage == (0, 0), "an arena that has not begun again")
            check(loop.tickOutput.pointee.lastRoot == nil, "a run that has outlived its arena")
        }
    }

    private func check(_ condition: Bool, _ what: @autoclosure () -> String) {
        if !condition { failure = failure ?? ModelFailure(description: what()) }
    }

    // MARK: - The end

    /// Everybody reads, nobody speaks, until nothing happens any more.
    private func rest() throws {
        for client in clients { setReading(true, client) }
        var quiet = 0
        while quiet < 60 {
            quiet += 1
            turn()
            for client in clients {
                client.flush(atMost: .max)
                if client.isPaused { setReading(true, client) }
                if try client.read(atMost: 1 << 16) { quiet = 0 }
            }
            if let failure { throw failure }
        }
    }

    private func end() throws {
        loop.finish()
        if let failure { throw failure }
        guard loop.leftovers == ReactorLoop.Leftovers() else {
            throw ModelFailure(description: "left at the end: \(loop.leftovers)")
        }
        for client in clients where client.isOpened {
            guard client.closedTold == 1 else {
                throw ModelFailure(description: "client \(client.number): its session never ended")
            }
            client.mayEnd = true
            // Another test that starts a process at this moment shares every descriptor for as long as that takes.
            for _ in 0..<1_000 where !client.isGone && !client.hasSeenEnd {
                while try client.read(atMost: 1 << 16) {}
                if !client.hasSeenEnd { usleep(1_000) }
            }
            guard client.isGone || client.hasSeenEnd else {
                throw ModelFailure(description: "client \(client.number): its socket is still open")
            }
        }
    }
}

/// Sockets that never block, on both sides.
enum ModelSockets {
    static func pair(sendBuffer: Int32) -> (server: Int32, client: Int32) {
        var ends: [Int32] = [0, 0]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        precondition(socketpair(AF_UNIX, type, 0, &ends) == 0, "no more sockets: raise the limit on descriptors")
        var size = sendBuffer
        setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        return (ends[0], ends[1])
    }
}
