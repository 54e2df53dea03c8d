import ChannelMux
import LineSimulator
import Testing
import WireCore

/// What one direction of one connection carries: its number, and then bytes that follow from it.
struct TaggedStream {
    let tag: UInt64
    var sent = 0

    func bytes(_ range: Range<Int>) -> [UInt8] {
        range.map { index in
            guard index >= 8 else { return UInt8(truncatingIfNeeded: tag >> UInt64(index * 8)) }
            return UInt8(truncatingIfNeeded: (tag &* 31) ^ UInt64(index &* 7) ^ UInt64(index >> 8))
        }
    }
}

/// What the users of both ends know: every stream that was ever begun, and how long it was when finished.
final class Ledger {
    var nextTag: UInt64 = 1
    var finishedLengths: [UInt64: Int] = [:]
    var sentLengths: [UInt64: Int] = [:]
    var readers: [UInt64: String] = [:]
    var problems: [String] = []

    func check(_ holds: Bool, _ words: @autoclosure () -> String) {
        if !holds && problems.count < 20 { problems.append(words()) }
    }
}

/// The users of one end, who do things at random and check what they get.
final class Crowd {
    private struct Client {
        var outgoing: TaggedStream
        var received: [UInt8] = []
        var unconsumed = 0
        var hasFinished = false
    }

    private let end: Endpoint
    private let name: String
    private let ledger: Ledger
    private let window: Int
    private var generator: SeededGenerator
    private var clients: [ConnectionID: Client] = [:]
    private var order: [ConnectionID] = []
    /// Handles given up here, about which something may have been said before.
    private var abandoned: Set<ConnectionID> = []
    /// Whether clients are slow, begin and break things; otherwise they only finish.
    var isWild = true

    init(_ end: Endpoint, name: String, ledger: Ledger, window: Int, seed: UInt64) {
        self.end = end
        self.name = name
        self.ledger = ledger
        self.window = window
        generator = SeededGenerator(seed: seed)
        end.accepts = false
        end.consumes = false
        end.onEvent = { [unowned self] _, event, now in handle(event, at: now) }
    }

    var openCount: Int { clients.count }

    private func chance(_ percent: Int) -> Bool {
        Int.random(in: 0..<100, using: &generator) < percent
    }

    private func add(_ id: ConnectionID) {
        ledger.check(clients[id] == nil, "\(name): a handle was given out twice")
        clients[id] = Client(outgoing: TaggedStream(tag: ledger.nextTag))
        ledger.nextTag += 1
        order.append(id)
    }

    private func remove(_ id: ConnectionID) {
        clients[id] = nil
        order.removeAll { $0 == id }
    }

    /// The process is replaced: its users are gone with it.
    func forget() {
        clients = [:]
        order = []
        abandoned = []
    }

    // MARK: What they do

    func act(at now: MonotonicInstant) {
        switch Int.random(in: 0..<100, using: &generator) {
        case 0..<8: connect(at: now)
        case 8..<12: toggleListener(at: now)
        case 12..<50: send(at: now)
        case 50..<85: consume(at: now)
        case 85..<90: finish(at: now)
        case 90..<92: breakOne(at: now)
        default: break
        }
    }

    private func connect(at now: MonotonicInstant) {
        let channel = ChannelNumber.number(Int.random(in: 0...5, using: &generator) * 50)
        if let id = try? end.link.connect(to: channel, waiting: chance(50), at: now) { add(id) }
    }

    private func toggleListener(at now: MonotonicInstant) {
        let channel = ChannelNumber.number(Int.random(in: 0...5, using: &generator) * 50)
        if chance(70) {
            try? end.link.listen(on: channel, at: now)
        } else {
            end.link.stopListening(on: channel, at: now)
        }
    }

    private func send(at now: MonotonicInstant) {
        guard let id = order.randomElement(using: &generator), var client = clients[id],
            !client.hasFinished
        else { return }
        let sizes = [1, 8, 60, 400, 3000]
        let size = sizes.randomElement(using: &generator) ?? 1
        let start = client.outgoing.sent
        let bytes = client.outgoing.bytes(start..<(start + size))
        guard let taken = try? end.link.send(bytes[...], on: id, at: now) else { return }
        client.outgoing.sent += taken
        ledger.sentLengths[client.outgoing.tag] = client.outgoing.sent
        clients[id] = client
    }

    private func consume(at now: MonotonicInstant) {
        guard let id = order.randomElement(using: &generator) else { return }
        consume(id, all: chance(50), at: now)
    }

    private func consume(_ id: ConnectionID, all: Bool, at now: MonotonicInstant) {
        guard let client = clients[id], client.unconsumed > 0 else { return }
        let count =
            all ? client.unconsumed : Int.random(in: 1...client.unconsumed, using: &generator)
        clients[id]?.unconsumed -= count
        end.link.consumed(count, on: id, at: now)
    }

    private func finish(at now: MonotonicInstant) {
        guard let id = order.randomElement(using: &generator) else { return }
        finish(id, at: now)
    }

    private func finish(_ id: ConnectionID, at now: MonotonicInstant) {
        guard let client = clients[id], !client.hasFinished else { return }
        clients[id]?.hasFinished = true
        ledger.finishedLengths[client.outgoing.tag] = client.outgoing.sent
        end.link.finishWriting(id, at: now)
    }

    private func breakOne(at now: MonotonicInstant) {
        guard let id = order.randomElement(using: &generator) else { return }
        remove(id)
        abandoned.insert(id)
        end.link.reset(id, .clientDied, at: now)
    }

    /// Everybody reads to the end and finishes.
    func comeToAnEnd(at now: MonotonicInstant) {
        isWild = false
        for id in order {
            consume(id, all: true, at: now)
            finish(id, at: now)
        }
    }

    // MARK: What they get

    private func handle(_ event: MuxEvent, at now: MonotonicInstant) {
        switch event {
        case .incoming(let id, _):
            guard !isWild || chance(85) else {
                abandoned.insert(id)
                end.link.refuse(id, .busy, at: now)
                return
            }
            add(id)
            end.link.accept(id, at: now)
            if !isWild { finish(id, at: now) }
        case .received(let id, let bytes): receive(bytes, id, at: now)
        case .peerFinished(let id): checkEnd(id)
        case .closed(let id):
            ledger.check(clients[id]?.hasFinished == true, "\(name): closed before it finished")
            remove(id)
        case .reset(let id, _), .refused(let id, _):
            let isKnown = clients[id] != nil || abandoned.contains(id)
            ledger.check(isKnown, "\(name): an end for nobody")
            remove(id)
        case .opened(let id), .writable(let id):
            ledger.check(clients[id] != nil, "\(name): \(event) for nobody")
        case .linkUp, .linkDown, .lineVerdict: break
        }
    }

    private func receive(_ bytes: [UInt8], _ id: ConnectionID, at now: MonotonicInstant) {
        guard var client = clients[id] else {
            ledger.check(abandoned.contains(id), "\(name): bytes for nobody")
            return
        }
        client.received += bytes
        client.unconsumed += bytes.count
        clients[id] = client
        ledger.check(client.unconsumed <= window, "\(name): more than the window")
        if let tag = tag(client), client.received.count <= 8 + bytes.count {
            let reader = "\(name) \(id.rawValue)"
            ledger.check(ledger.readers[tag] ?? reader == reader, "stream \(tag) has two readers")
            ledger.readers[tag] = reader
        }
        if let tag = tag(client) {
            let start = client.received.count - bytes.count
            let right = TaggedStream(tag: tag).bytes(start..<client.received.count)
            ledger.check(right == bytes, "\(name): stream \(tag) is wrong after \(start)")
            ledger.check(
                client.received.count <= ledger.sentLengths[tag] ?? 0,
                "\(name): stream \(tag) is longer than what was sent"
            )
        }
        if !isWild { consume(id, all: true, at: now) }
    }

    private func tag(_ client: Client) -> UInt64? {
        guard client.received.count >= 8 else { return nil }
        return client.received.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private func checkEnd(_ id: ConnectionID) {
        guard let client = clients[id] else {
            ledger.check(abandoned.contains(id), "\(name): a finish for nobody")
            return
        }
        guard let tag = tag(client) else { return }
        ledger.check(
            ledger.finishedLengths[tag] == client.received.count,
            "\(name): stream \(tag) ends after \(client.received.count)"
        )
    }
}
