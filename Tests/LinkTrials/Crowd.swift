import ChannelMux
import WireCore

/// What one direction of one connection carries: its number, and then bytes that follow from it.
struct TaggedStream {
    let tag: UInt64
    var sent = 0

    private static let digits = Array("0123456789abcdef".utf8)

    /// Two streams of three are text that compression makes shorter.
    func bytes(_ range: Range<Int>) -> [UInt8] {
        let isText = tag % 3 != 0
        return range.map { index in
            guard index >= 8 else { return UInt8(truncatingIfNeeded: tag >> UInt64(index * 8)) }
            var mixed = (tag &* 31) ^ UInt64(index &* 7) ^ UInt64(index >> 8)
            if isText { return Self.digits[Int(mixed & 15)] }
            mixed = (mixed ^ UInt64(index >> 2)) &* 0x9E37_79B9_7F4A_7C15
            return UInt8(truncatingIfNeeded: mixed >> 56)
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
        var receivedCount = 0
        /// The number of the peer's stream, once there are eight bytes of it.
        var head: [UInt8] = []
        var unconsumed = 0
        var hasFinished = false

        var tag: UInt64? {
            guard head.count == 8 else { return nil }
            return head.reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
    }

    private let end: Endpoint
    private let name: String
    private let ledger: Ledger
    private let window: Int
    private let channels: [ChannelNumber]
    private var generator: SeededGenerator
    private var clients: [ConnectionID: Client] = [:]
    private var order: [ConnectionID] = []
    /// Handles given up here, about which something may have been said before.
    private var abandoned: Set<ConnectionID> = []
    /// Whether clients are slow, begin and break things; otherwise they only finish.
    var isWild = true

    init(
        _ end: Endpoint,
        name: String,
        ledger: Ledger,
        window: Int,
        channels: [ChannelNumber],
        seed: UInt64
    ) {
        self.end = end
        self.name = name
        self.ledger = ledger
        self.window = window
        self.channels = channels
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
        case 92..<95: mark(at: now)
        default: break
        }
    }

    private func connect(at now: MonotonicInstant) {
        guard let channel = channels.randomElement(using: &generator) else { return }
        if let id = try? end.link.connect(to: channel, waiting: chance(50), at: now) { add(id) }
    }

    func listenEverywhere(at now: MonotonicInstant) {
        for channel in channels { try? end.link.listen(on: channel, at: now) }
    }

    private func toggleListener(at now: MonotonicInstant) {
        guard let channel = channels.randomElement(using: &generator) else { return }
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

    /// A BREAK whose length says where in the stream it stands.
    private func mark(at now: MonotonicInstant) {
        guard let id = order.randomElement(using: &generator), let client = clients[id] else {
            return
        }
        let position = client.outgoing.sent & 0xFFFF
        _ = try? end.link.sendBreak(milliseconds: position, on: id, at: now)
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
        case .breakReceived(let id, let milliseconds):
            guard let client = clients[id] else { return }
            let isInPlace = milliseconds == client.receivedCount & 0xFFFF
            ledger.check(isInPlace, "\(name): a BREAK after \(client.receivedCount)")
        case .linkUp, .linkDown, .lineVerdict, .modemLines: break
        }
    }

    private func receive(_ bytes: [UInt8], _ id: ConnectionID, at now: MonotonicInstant) {
        guard var client = clients[id] else {
            ledger.check(abandoned.contains(id), "\(name): bytes for nobody")
            return
        }
        let start = client.receivedCount
        if client.head.count < 8 { client.head += bytes.prefix(8 - client.head.count) }
        client.receivedCount += bytes.count
        client.unconsumed += bytes.count
        clients[id] = client
        ledger.check(client.unconsumed <= window, "\(name): more than the window")
        if let tag = client.tag { check(bytes, from: start, of: tag, reader: id) }
        if !isWild { consume(id, all: true, at: now) }
    }

    private func check(_ bytes: [UInt8], from start: Int, of tag: UInt64, reader id: ConnectionID) {
        let reader = "\(name) \(id.rawValue)"
        ledger.check(ledger.readers[tag] ?? reader == reader, "stream \(tag) has two readers")
        ledger.readers[tag] = reader
        let end = start + bytes.count
        let right = TaggedStream(tag: tag).bytes(start..<end)
        ledger.check(right == bytes, "\(name): stream \(tag) is wrong after \(start)")
        let sent = ledger.sentLengths[tag] ?? 0
        ledger.check(end <= sent, "\(name): stream \(tag) is longer than what was sent")
    }

    private func checkEnd(_ id: ConnectionID) {
        guard let client = clients[id] else {
            ledger.check(abandoned.contains(id), "\(name): a finish for nobody")
            return
        }
        guard let tag = client.tag else { return }
        ledger.check(
            ledger.finishedLengths[tag] == client.receivedCount,
            "\(name): stream \(tag) ends after \(client.receivedCount)"
        )
    }
}
