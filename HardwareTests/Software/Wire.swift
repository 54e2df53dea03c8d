import Foundation
import LineSimulator
import LinuxSystem
import Synchronization
import WireCore

/// A cable between two descriptors: bytes take as long as at its baud rate, are counted, and are lost while it is cut.
///
/// QEMU's serial ports have no pace of their own, so the rig's is kept here, by the engine that `dbgcom cable` has.
final class Wire: Sendable {
    private struct State {
        var baudRate: Int
        var isCut = false
        var isOver = false
        var counts = Counts()
    }

    /// Bytes that have arrived.
    struct Counts {
        var atLab = 0
        var atDesk = 0
    }

    private let state: Mutex<State>

    /// Joins a port of a guest with something else, and carries bytes from now on.
    init(lab: OwnedDescriptor, desk: OwnedDescriptor, baudRate: Int) throws {
        state = Mutex(State(baudRate: baudRate))
        try lab.setNonBlocking()
        try desk.setNonBlocking()
        Thread.detachNewThread { self.carry(lab, desk) }
    }

    /// Bits per second, in both directions.
    var baudRate: Int {
        get { state.withLock { $0.baudRate } }
        set { state.withLock { $0.baudRate = newValue } }
    }

    /// Whether it is cut.
    var isCut: Bool {
        get { state.withLock { $0.isCut } }
        set { state.withLock { $0.isCut = newValue } }
    }

    /// Bytes that have arrived at either end.
    var counts: Counts { state.withLock { $0.counts } }

    /// Carries nothing any more.
    func stop() { state.withLock { $0.isOver = true } }

    private func carry(_ lab: OwnedDescriptor, _ desk: OwnedDescriptor) {
        var toDesk = Lane(from: lab, to: desk, seed: 1)
        var toLab = Lane(from: desk, to: lab, seed: 2)
        while true {
            let wanted = state.withLock { $0 }
            if wanted.isOver { return }
            let atDesk = toDesk.move(wanted.baudRate, isCut: wanted.isCut)
            let atLab = toLab.move(wanted.baudRate, isCut: wanted.isCut)
            if atDesk + atLab > 0 {
                state.withLock {
                    $0.counts.atDesk += atDesk
                    $0.counts.atLab += atLab
                }
            }
            wait(lab, desk, toDesk, toLab)
        }
    }

    /// How often it looks whether its settings have changed.
    private static let lookNanoseconds: UInt64 = 20_000_000

    private func wait(
        _ lab: OwnedDescriptor,
        _ desk: OwnedDescriptor,
        _ toDesk: Lane,
        _ toLab: Lane
    ) {
        var requests = [
            PollRequest(lab.number, read: toDesk.wantsInput, write: toLab.isBlocked),
            PollRequest(desk.number, read: toLab.wantsInput, write: toDesk.isBlocked),
        ].map { request in
            var request = request
            // A broken descriptor that nothing is wanted of would wake poll at once.
            if !request.wantsRead && !request.wantsWrite { request.descriptor = -1 }
            return request
        }
        let look = Lane.now.advanced(byNanoseconds: Self.lookNanoseconds)
        let deadline = [toDesk.nextDeadline, toLab.nextDeadline].compactMap(\.self).min() ?? look
        _ = try? pollDescriptors(
            &requests,
            untilMonotonicNanoseconds: min(deadline, look).nanoseconds
        )
    }
}

/// One direction.
private struct Lane {
    private let from: OwnedDescriptor
    private let to: OwnedDescriptor
    private var line: SimulatedLine
    private var undelivered: ArraySlice<UInt8> = []
    private var hasEnded = false

    /// Bytes that may be under way: a port that is not read for long would lose what it sends.
    private static let queueBytesMax = 65_536

    init(from: OwnedDescriptor, to: OwnedDescriptor, seed: UInt64) {
        self.from = from
        self.to = to
        var conditions = LineConditions(baudRate: 115_200)
        conditions.queueBytesMax = Self.queueBytesMax
        line = SimulatedLine(conditions, seed: seed, at: Self.now)
    }

    static var now: MonotonicInstant { MonotonicInstant(nanoseconds: monotonicNanoseconds()) }

    var isBlocked: Bool { !undelivered.isEmpty }
    var wantsInput: Bool { !hasEnded && !isBlocked && line.room(at: Self.now) > 0 }
    var nextDeadline: MonotonicInstant? { isBlocked ? nil : line.nextDeadline }

    /// Moves what is due; answers how many bytes have arrived.
    mutating func move(_ baudRate: Int, isCut: Bool) -> Int {
        if line.conditions.baudRate != baudRate { line.conditions.baudRate = baudRate }
        line.isCut = isCut
        let now = Self.now
        if wantsInput { take(now) }
        if !isBlocked { undelivered = line.deliver(at: now)[...] }
        guard isBlocked else { return 0 }
        // A receiver that is gone takes everything, as a cable without a plug does.
        let taken = (try? to.write(undelivered)) ?? undelivered.count
        undelivered = undelivered.dropFirst(taken)
        return taken
    }

    private mutating func take(_ now: MonotonicInstant) {
        do {
            guard let bytes = try from.read(maximum: line.room(at: now)) else { return }
            if bytes.isEmpty { hasEnded = true } else { line.inject(bytes[...], at: now) }
        } catch {
            hasEnded = true
        }
    }
}
