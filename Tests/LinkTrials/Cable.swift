import ChannelMux
import LineSimulator
import WireCore

/// One end of a simulated cable: a link and a user who writes down what happens.
final class Endpoint {
    var link: MuxLink
    var events: [MuxEvent] = []
    var received: [ConnectionID: [UInt8]] = [:]
    var incoming: [ConnectionID] = []
    var opened: [ConnectionID] = []
    var finished: [ConnectionID] = []
    var closed: [ConnectionID] = []
    var resets: [ConnectionID: ResetReason] = [:]
    var refusals: [ConnectionID: ResetReason] = [:]
    /// Whether what is offered is taken, and what is received consumed, at once.
    var accepts = true
    var consumes = true
    /// What is still to be written, by connection, as `send` takes it.
    var backlog: [ConnectionID: ArraySlice<UInt8>] = [:]
    var finishes: Set<ConnectionID> = []
    /// Whether the tty is there.
    private(set) var isPlugged = false
    var onEvent: ((Endpoint, MuxEvent, MonotonicInstant) -> Void)?

    init(_ link: MuxLink) { self.link = link }

    /// When the link wants to be called again.
    ///
    /// Asked of the link where it is: it is large, and a copy at every step of a simulation takes longer
    /// than the step.
    var deadline: MonotonicInstant? {
        func ask(_ link: inout MuxLink) -> MonotonicInstant? { link.nextDeadline }
        return ask(&link)
    }

    func plug(at now: MonotonicInstant) {
        isPlugged = true
        link.lineOpened(at: now)
    }

    func unplug(at now: MonotonicInstant) {
        isPlugged = false
        link.lineClosed(at: now)
    }

    /// Forgets everything, as a new process does.
    func replace(by link: MuxLink) {
        self.link = link
        events = []
        received = [:]
        incoming = []
        opened = []
        finished = []
        closed = []
        resets = [:]
        refusals = [:]
        backlog = [:]
        finishes = []
    }

    /// Writes all of it, as fast as the link takes it, and then finishes if asked to.
    func write(
        _ bytes: [UInt8],
        on id: ConnectionID,
        thenFinish: Bool = false,
        at now: MonotonicInstant
    ) {
        backlog[id] = (backlog[id] ?? []) + bytes
        if thenFinish { finishes.insert(id) }
        writeOn(id, at: now)
    }

    private func writeOn(_ id: ConnectionID, at now: MonotonicInstant) {
        guard let rest = backlog[id] else { return }
        guard let taken = try? link.send(rest, on: id, at: now) else {
            backlog[id] = nil
            return
        }
        if taken < rest.count {
            backlog[id] = Array(rest.dropFirst(taken))[...]
        } else {
            backlog[id] = nil
            if finishes.remove(id) != nil { link.finishWriting(id, at: now) }
        }
    }

    func takeEvents(at now: MonotonicInstant) {
        while let event = link.nextEvent() {
            events.append(event)
            note(event, at: now)
            onEvent?(self, event, now)
        }
    }

    private func note(_ event: MuxEvent, at now: MonotonicInstant) {
        switch event {
        case .incoming(let id, _):
            incoming.append(id)
            if accepts { link.accept(id, at: now) }
        case .opened(let id): opened.append(id)
        case .received(let id, let bytes):
            received[id, default: []] += bytes
            if consumes { link.consumed(bytes.count, on: id, at: now) }
        case .peerFinished(let id): finished.append(id)
        case .closed(let id): closed.append(id)
        case .reset(let id, let reason): resets[id] = reason
        case .refused(let id, let reason): refusals[id] = reason
        case .writable(let id): writeOn(id, at: now)
        case .linkUp, .linkDown, .lineVerdict, .breakReceived, .modemLines: break
        }
    }
}

/// Two links, two simulated lines between them, and a clock that jumps.
final class Cable {
    let left: Endpoint
    let right: Endpoint
    var toRight: SimulatedLine
    var toLeft: SimulatedLine
    private(set) var now = MonotonicInstant(nanoseconds: 1_000_000_000)
    /// Called before every step; for users that act by time.
    var onStep: ((Cable) -> Void)?
    /// Bytes that one end handed to the line and the line refused: the link's pacing must never let it.
    private(set) var refusedBytes = 0
    /// Everything that was handed to the lines, when asked for.
    var records = false
    private(set) var recordedRight: [UInt8] = []
    private(set) var recordedLeft: [UInt8] = []

    static func configuration(
        _ baudRate: Int,
        epoch: UInt32,
        identity: String
    ) -> MuxConfiguration {
        MuxConfiguration(
            baudRate: baudRate,
            epoch: epoch,
            seed: UInt64(epoch),
            identity: identity
        )
    }

    init(
        _ conditions: LineConditions,
        back: LineConditions? = nil,
        seed: UInt64 = 1,
        configure: (inout MuxConfiguration) -> Void = { _ in },
        opens: Bool = true
    ) {
        var one = Self.configuration(conditions.baudRate, epoch: 0x1122_3344, identity: "left")
        var two = Self.configuration(conditions.baudRate, epoch: 0xAABB_CCDD, identity: "right")
        configure(&one)
        configure(&two)
        left = Endpoint(MuxLink(one, at: now))
        right = Endpoint(MuxLink(two, at: now))
        toRight = SimulatedLine(conditions, seed: seed &* 2 &+ 1, at: now)
        toLeft = SimulatedLine(back ?? conditions, seed: seed &* 2 &+ 2, at: now)
        if opens {
            left.plug(at: now)
            right.plug(at: now)
        }
    }

    /// The same cable at the same moment, to try something else on.
    init(copyOf other: Cable) {
        left = Endpoint(other.left.link)
        right = Endpoint(other.right.link)
        toRight = other.toRight
        toLeft = other.toLeft
        now = other.now
    }

    /// Lets both ends do what they have to do now.
    func settle() {
        for _ in 0..<1000 {
            left.takeEvents(at: now)
            right.takeEvents(at: now)
            let moved = transmit(left, &toRight) || transmit(right, &toLeft)
            if !moved { return }
        }
    }

    private func transmit(_ end: Endpoint, _ line: inout SimulatedLine) -> Bool {
        var moved = false
        while let frame = end.link.nextTransmit(at: now) {
            refusedBytes += frame.count - line.inject(frame[...], at: now)
            if records { record(frame, end) }
            moved = true
        }
        return moved
    }

    private func record(_ frame: [UInt8], _ end: Endpoint) {
        if end === left { recordedRight += frame } else { recordedLeft += frame }
    }

    /// Goes to the next thing that happens, at most to `limit`.
    func step(limit: MonotonicInstant) {
        onStep?(self)
        settle()
        var next = min(left.deadline ?? limit, right.deadline ?? limit)
        next = min(next, toRight.nextDeadline ?? limit, toLeft.nextDeadline ?? limit)
        now = min(max(next, now.advanced(byNanoseconds: 1)), limit)
        let arrivedRight = toRight.deliver(at: now)
        if !arrivedRight.isEmpty { right.link.receive(arrivedRight[...], at: now) }
        let arrivedLeft = toLeft.deliver(at: now)
        if !arrivedLeft.isEmpty { left.link.receive(arrivedLeft[...], at: now) }
        left.link.expireTimers(at: now)
        right.link.expireTimers(at: now)
        settle()
    }

    /// Runs for that long.
    func run(milliseconds: Double) {
        let end = now.advanced(byNanoseconds: UInt64(milliseconds * 1_000_000))
        while now < end { step(limit: end) }
    }

    /// Runs until something holds.
    ///
    /// - Returns: whether it came to hold in that time.
    @discardableResult
    func run(milliseconds: Double = 10_000, until holds: () -> Bool) -> Bool {
        let end = now.advanced(byNanoseconds: UInt64(milliseconds * 1_000_000))
        while now < end {
            if holds() { return true }
            step(limit: end)
        }
        return holds()
    }

    /// Runs until both links are up.
    func connect() {
        run(milliseconds: 5000) { left.link.isUp && right.link.isUp }
    }
}

extension ChannelNumber {
    /// A number that a test knows to be right.
    static func number(_ number: Int) -> ChannelNumber {
        guard let channel = ChannelNumber(number) else {
            preconditionFailure("a test uses channel \(number)")
        }
        return channel
    }
}

/// Bytes that do not repeat soon.
func pattern(_ count: Int, seed: UInt64 = 7) -> [UInt8] {
    var generator = SeededGenerator(seed: seed)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count {
        let word = generator.next()
        for shift in stride(from: UInt64(0), to: 64, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: word >> shift))
        }
    }
    return Array(bytes.prefix(count))
}

extension Cable {
    /// The process at that end is killed and a new one takes its place.
    func restart(_ end: Endpoint, epoch: UInt32, baudRate: Int = 115_200) {
        let identity = end === left ? "left" : "right"
        let configuration = Self.configuration(baudRate, epoch: epoch, identity: identity)
        end.replace(by: MuxLink(configuration, at: now))
        end.plug(at: now)
    }

    /// Cuts both directions, or joins them again.
    func cut(_ isCut: Bool) {
        toRight.isCut = isCut
        toLeft.isCut = isCut
    }
}
