public import DebugTarget
internal import GDBRemoteProtocol

// Breakpoints: `Z` and `z`. A stub without `Z0` gets trap instructions written into memory, as gdb
// does it; what they replace is remembered, hidden from reads, and put back at detach.
extension RemoteTarget {
    /// Plants a breakpoint.
    public func insertBreakpoint(
        _ breakpoint: Breakpoint,
        in process: ProcessID
    ) throws(TargetError) {
        guard breakpoints.planted[process]?.contains(breakpoint) != true else { return }
        try select(process)
        let request = BreakpointRequest(
            insert: true,
            breakpoint,
            kind: try kind(of: breakpoint, in: process),
            options: breakpointOptions(of: breakpoint, in: process)
        )
        let purpose = "planting a breakpoint at \(breakpoint.address)"
        let code: TargetError.Code = breakpoint.kind == .software ? .badAddress : .noHardwareLeft
        let name = "Z\(request.type)"
        var isPlanted = false
        if !missingPackets.contains(name) {
            isPlanted = try command(request.payload, purpose, failure: code)
        }
        if !isPlanted {
            missingPackets.insert(name)
            try insertByWriting(breakpoint, in: process)
        }
        breakpoints.planted[process, default: []].insert(breakpoint)
    }

    /// Removes a breakpoint.
    public func removeBreakpoint(
        _ breakpoint: Breakpoint,
        in process: ProcessID
    ) throws(TargetError) {
        guard breakpoints.planted[process]?.contains(breakpoint) == true else { return }
        try select(process)
        if let bytes = breakpoints.replacedBytes[process]?[breakpoint.address.rawValue],
            breakpoint.kind == .software
        {
            breakpoints.replacedBytes[process]?[breakpoint.address.rawValue] = nil
            try store(bytes, at: breakpoint.address)
        } else {
            let request = BreakpointRequest(
                insert: false,
                breakpoint,
                kind: try kind(of: breakpoint, in: process)
            )
            try command(request.payload, "removing a breakpoint at \(breakpoint.address)")
        }
        breakpoints.planted[process]?.remove(breakpoint)
    }

    private func kind(
        of breakpoint: Breakpoint,
        in process: ProcessID
    ) throws(TargetError) -> Int {
        try targetDescription(of: process).architecture == .arm64 ? 4 : 1
    }

    private func insertByWriting(
        _ breakpoint: Breakpoint,
        in process: ProcessID
    ) throws(TargetError) {
        guard breakpoint.kind == .software else {
            throw TargetError(
                .unsupported,
                "\(peerName) has no hardware breakpoints of that kind."
            )
        }
        let architecture = try targetDescription(of: process).architecture
        let trap: [UInt8] = architecture == .arm64 ? [0x00, 0x00, 0x20, 0xd4] : [0xcc]
        let old = try readMemory(at: breakpoint.address, count: trap.count, in: process)
        guard old.count == trap.count else {
            throw TargetError(.badAddress, "Memory at \(breakpoint.address) cannot be read.")
        }
        try store(trap, at: breakpoint.address)
        breakpoints.replacedBytes[process, default: [:]][breakpoint.address.rawValue] = old
    }

    /// Puts the program's own bytes where trap instructions were read.
    func hideReplacedBytes(_ bytes: inout [UInt8], at address: UInt64, in process: ProcessID) {
        for (place, old) in breakpoints.replacedBytes[process] ?? [:] {
            for (index, byte) in old.enumerated() {
                let offset = place &+ UInt64(index) &- address
                if offset < UInt64(bytes.count) { bytes[Int(offset)] = byte }
            }
        }
    }

    /// What to write so that trap instructions inside the range stay; the new bytes are remembered.
    func replacedBytes(under bytes: [UInt8], at address: UInt64, in process: ProcessID) -> [UInt8] {
        guard let replaced = breakpoints.replacedBytes[process] else { return bytes }
        let trap: [UInt8] =
            descriptions[process]?.architecture == .arm64 ? [0x00, 0x00, 0x20, 0xd4] : [0xcc]
        var kept = bytes
        for (place, old) in replaced {
            for index in old.indices {
                let offset = place &+ UInt64(index) &- address
                guard offset < UInt64(bytes.count) else { continue }
                breakpoints.replacedBytes[process]?[place]?[index] = bytes[Int(offset)]
                kept[Int(offset)] = trap[index]
            }
        }
        return kept
    }

    /// Takes trap instructions of ours out of memory.
    func removeReplacedBytes(of process: ProcessID) throws(TargetError) {
        let places = (breakpoints.replacedBytes[process] ?? [:]).keys.sorted()
        for place in places {
            try removeBreakpoint(Breakpoint(.software, at: TargetAddress(place)), in: process)
        }
    }
}
