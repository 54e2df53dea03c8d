import Glibc
import LineSimulator
import LinuxSystem
import WireCore

/// Two pseudo-terminals and the simulated line between them, in real time.
///
/// The line itself is the simulator's; here is only its clock and its plumbing. Bytes are taken from an end
/// while the line's queue has room, and come out at the other end when their last bit is through. When that
/// end's pseudo-terminal is full, its direction stands still until somebody reads: a program that writes more
/// than the line carries is held up as by a UART's full buffer.
final class Cable {
    private var aToB: Lane
    private var bToA: Lane
    private let cuts: CutSchedule
    /// Whether a signal has cut the line.
    private var isCutByHand = false
    private let hand: SignalDescriptor
    private let start = MonotonicInstant(nanoseconds: monotonicNanoseconds())
    private let terminals: (a: PseudoTerminal, b: PseudoTerminal)
    /// An open slave at each end: without it every close of a port would be an error at the master.
    private let kept: [OwnedDescriptor]

    /// Waking for every byte would cost more than the accuracy is worth.
    private static let wakeUpIntervalNanoseconds: UInt64 = 100_000

    /// - Parameter planned: faults at fixed bytes from A to B.
    init(
        _ conditions: LineConditions,
        seed: UInt64,
        planned: [PlannedFault],
        cuts: CutSchedule
    ) throws {
        hand = try SignalDescriptor([SIGUSR1, SIGUSR2])
        terminals = (try PseudoTerminal(), try PseudoTerminal())
        kept = [try terminals.a.openSlave(), try terminals.b.openSlave()]
        self.cuts = cuts
        for slave in kept {
            var settings = try TerminalSettings(of: slave)
            settings.makeRaw()
            settings.setSpeed(bitsPerSecond: UInt32(conditions.baudRate))
            try settings.apply(to: slave)
        }
        for master in [terminals.a.master, terminals.b.master] { try master.setNonBlocking() }
        aToB = Lane(
            from: terminals.a.master,
            to: terminals.b.master,
            line: SimulatedLine(conditions, seed: seed, at: start)
        )
        bToA = Lane(
            from: terminals.b.master,
            to: terminals.a.master,
            line: SimulatedLine(conditions, seed: seed &+ 1, at: start)
        )
        aToB.line.plannedFaults = planned
    }

    var pathA: String { terminals.a.path }
    var pathB: String { terminals.b.path }

    /// Carries bytes until a signal ends it; SIGUSR1 cuts the line, SIGUSR2 joins it again.
    func run(until signals: TerminationSignals) throws {
        while true {
            let now = MonotonicInstant(nanoseconds: monotonicNanoseconds())
            let isCut = isCut(at: now)
            aToB.line.isCut = isCut
            bToA.line.isCut = isCut
            try aToB.move(at: now)
            try bToA.move(at: now)
            var requests = [
                PollRequest(
                    terminals.a.master.number,
                    read: aToB.wantsInput(at: now),
                    write: bToA.isBlocked
                ),
                PollRequest(
                    terminals.b.master.number,
                    read: bToA.wantsInput(at: now),
                    write: aToB.isBlocked
                ),
                PollRequest(signals.descriptor), PollRequest(hand.number),
            ]
            try wait(&requests, from: now)
            if requests[2].isReadable { return }
            while let signal = hand.next() { isCutByHand = signal == SIGUSR1 }
        }
    }

    private func wait(_ requests: inout [PollRequest], from now: MonotonicInstant) throws {
        let deadlines = [aToB.nextDeadline, bToA.nextDeadline].compactMap(\.self)
        guard let earliest = deadlines.min() else {
            try pollDescriptors(&requests)
            return
        }
        let soonest = now.advanced(byNanoseconds: Self.wakeUpIntervalNanoseconds)
        try pollDescriptors(
            &requests,
            untilMonotonicNanoseconds: max(earliest, soonest).nanoseconds
        )
    }

    private func isCut(at now: MonotonicInstant) -> Bool {
        isCutByHand || cuts.isCut(at: Double(now.nanoseconds(since: start)) / 1e9)
    }

    /// One JSON object.
    var summary: String {
        let now = MonotonicInstant(nanoseconds: monotonicNanoseconds())
        let milliseconds = now.nanoseconds(since: start) / 1_000_000
        return """
            {"baud": \(aToB.line.conditions.baudRate), "milliseconds": \(milliseconds), \
            "a-to-b": \(aToB.summary), "b-to-a": \(bToA.summary)}
            """
    }
}

/// When the line is cut, in seconds since the start.
struct CutSchedule {
    /// When it is cut for the first time; nil for never.
    var after: Double?
    /// How long it stays cut.
    var length = 1.0
    /// From one cut to the next; nil for a single one.
    var every: Double?

    func isCut(at seconds: Double) -> Bool {
        guard let after, seconds >= after else { return false }
        let sinceCut = seconds - after
        return (every.map { sinceCut.truncatingRemainder(dividingBy: $0) } ?? sinceCut) < length
    }
}

/// One direction of the cable.
private struct Lane {
    let from: OwnedDescriptor
    let to: OwnedDescriptor
    var line: SimulatedLine
    private var undelivered: ArraySlice<UInt8> = []

    init(from: OwnedDescriptor, to: OwnedDescriptor, line: SimulatedLine) {
        self.from = from
        self.to = to
        self.line = line
    }

    /// Whether the receiving end is full.
    var isBlocked: Bool { !undelivered.isEmpty }

    /// Whether the sending end may go on.
    func wantsInput(at now: MonotonicInstant) -> Bool {
        !isBlocked && line.room(at: now) > 0
    }

    /// When the next bytes come out; a full receiver is waited for by poll.
    var nextDeadline: MonotonicInstant? {
        isBlocked ? nil : line.nextDeadline
    }

    mutating func move(at now: MonotonicInstant) throws {
        if wantsInput(at: now) {
            let room = line.room(at: now)
            if let bytes = try from.read(maximum: room), !bytes.isEmpty {
                line.inject(bytes[...], at: now)
            }
        }
        if !isBlocked { undelivered = line.deliver(at: now)[...] }
        if isBlocked { undelivered = undelivered.dropFirst(try to.write(undelivered)) }
    }

    var summary: String {
        let figures = line.statistics
        return """
            {"bytes-in": \(figures.bytesIn), "bytes-out": \(figures.bytesOut), \
            "damaged": \(figures.damaged), "lost": \(figures.lost), "added": \(figures.added)}
            """
    }
}
