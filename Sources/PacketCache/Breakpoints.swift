internal import GDBRemoteProtocol

/// Which breakpoints are planted, and which of them the debugger has removed without the server knowing yet.
///
/// gdb removes all of them at every stop and plants them again before it goes on. The server shows memory without
/// them, so nothing tells whether they are there while the target stands.
struct Breakpoints: Sendable {
    /// The most that are kept track of.
    static let countMax = 1024

    /// As the server has them, and the debugger believes.
    private(set) var planted: Set<PlantedBreakpoint> = []
    /// As the server has them, and the debugger does not; with a thread of the process.
    private(set) var removed: [(breakpoint: PlantedBreakpoint, thread: ThreadReference)] = []

    mutating func plant(_ breakpoint: PlantedBreakpoint) {
        planted = planted.filter { !$0.isAt(breakpoint) }
        if planted.count < Self.countMax { planted.insert(breakpoint) }
    }

    /// Takes a breakpoint for removed.
    ///
    /// - Returns: whether it was planted for all we know.
    mutating func remove(_ breakpoint: PlantedBreakpoint, _ thread: ThreadReference) -> Bool {
        guard let known = planted.first(where: { $0.isAt(breakpoint) }) else { return false }
        planted.remove(known)
        removed.append((known, thread))
        return true
    }

    /// Plants again what the server never removed.
    ///
    /// - Returns: whether that is the same breakpoint in every word.
    mutating func revive(_ breakpoint: PlantedBreakpoint) -> Bool {
        guard let index = removed.firstIndex(where: { $0.breakpoint == breakpoint }) else {
            return false
        }
        removed.remove(at: index)
        planted.insert(breakpoint)
        return true
    }

    /// Those that the server has to remove now.
    mutating func takeRemoved(
        where condition: (PlantedBreakpoint) -> Bool
    ) -> [(breakpoint: PlantedBreakpoint, thread: ThreadReference)] {
        defer { removed.removeAll { condition($0.breakpoint) } }
        return removed.filter { condition($0.breakpoint) }
    }
}

extension PlantedBreakpoint {
    /// Whether the two cannot be there both.
    fileprivate func isAt(_ other: PlantedBreakpoint) -> Bool {
        process == other.process && place == other.place
    }

    /// Whether they compete for a place, or for the processor's registers.
    fileprivate func isInTheWay(of other: PlantedBreakpoint) -> Bool {
        isAt(other) || isOfHardware && other.isOfHardware
    }
}

extension CachedConversation {
    mutating func plant(_ request: [UInt8]) {
        guard let process = chosen?.processText else {
            flushBreakpoints()
            return passOn()
        }
        let breakpoint = PlantedBreakpoint(process: process, payload: request)
        if breakpoints.revive(breakpoint) { return answer(PlainReply.ok) }
        removeNow(breakpoints.takeRemoved { $0.isInTheWay(of: breakpoint) })
        synchronize()
        passOn(.insertion(breakpoint))
    }

    mutating func remove(_ request: [UInt8]) {
        if let chosen {
            let breakpoint = PlantedBreakpoint(process: chosen.processText, payload: request)
            if breakpoints.remove(breakpoint, chosen) { return answer(PlainReply.ok) }
        }
        synchronize()
        passOn()
    }

    /// Has the server remove what the debugger has removed.
    mutating func flushBreakpoints() {
        removeNow(breakpoints.takeRemoved { _ in true })
    }

    private mutating func removeNow(
        _ removed: [(breakpoint: PlantedBreakpoint, thread: ThreadReference)]
    ) {
        for (breakpoint, thread) in removed {
            if serverChosen?.processText != breakpoint.process { select(thread) }
            send(breakpoint.removal, .nothing)
        }
    }
}
