internal import DebugTarget
internal import LinuxSystem

/// The memory of a process and the trap instructions that stand in it.
///
/// Reads hide them, writes go around them. A vfork child has its parent's memory, so both share this.
final class AddressSpace {
    private let memory: ProcessMemory
    private let trap: [UInt8]
    /// The bytes that belong where a trap stands.
    private var originals: [TargetAddress: [UInt8]] = [:]
    /// Whether the traps are out of the memory for a while.
    private(set) var isSuspended = false

    init(memory: ProcessMemory, trap: [UInt8]) {
        self.memory = memory
        self.trap = trap
    }

    var isEmpty: Bool { originals.isEmpty }

    func hasTrap(at address: TargetAddress) -> Bool {
        !originals.isEmpty && originals[address] != nil
    }

    // MARK: Memory

    func read(at address: TargetAddress, count: Int) throws(SystemError) -> [UInt8] {
        var bytes = try memory.read(at: address.rawValue, count: count)
        forEachTrap(in: address, bytes.count) { trapIndex, byteIndex, original in
            bytes[byteIndex] = original[trapIndex]
        }
        return bytes
    }

    func write(_ bytes: [UInt8], at address: TargetAddress) throws(SystemError) {
        guard !originals.isEmpty else {
            try memory.write(bytes, at: address.rawValue)
            return
        }
        var stored = bytes
        var changed: [(TargetAddress, Int, UInt8)] = []
        for (place, original) in originals {
            for index in original.indices {
                let offset = (place + UInt64(index)) - address
                guard offset < UInt64(bytes.count) else { continue }
                changed.append((place, index, bytes[Int(offset)]))
                if !isSuspended { stored[Int(offset)] = trap[index] }
            }
        }
        try memory.write(stored, at: address.rawValue)
        for (place, index, byte) in changed { originals[place]?[index] = byte }
    }

    private func forEachTrap(
        in address: TargetAddress,
        _ count: Int,
        _ body: (_ trapIndex: Int, _ byteIndex: Int, _ original: [UInt8]) -> Void
    ) {
        guard !isSuspended else { return }
        for (place, original) in originals {
            for index in original.indices {
                let offset = (place + UInt64(index)) - address
                if offset < UInt64(count) { body(index, Int(offset), original) }
            }
        }
    }

    // MARK: Traps

    func insertTrap(at address: TargetAddress) throws(SystemError) {
        // A library may have been unloaded with the trap and loaded anew to the same place.
        if originals[address] != nil {
            guard !isSuspended, try memory.read(at: address.rawValue, count: trap.count) != trap
            else { return }
            originals[address] = nil
        }
        let original = try read(at: address, count: trap.count)
        guard original.count == trap.count else {
            throw SystemError("read", "memory at \(address)", errorNumber: 14)
        }
        if !isSuspended { try memory.write(trap, at: address.rawValue) }
        originals[address] = original
    }

    /// - Throws: where the memory is gone, and the trap with it.
    func removeTrap(at address: TargetAddress) throws(SystemError) {
        guard let original = originals.removeValue(forKey: address), !isSuspended else { return }
        _ = try memory.read(at: address.rawValue, count: 1)
        try restore(original, at: address)
    }

    /// Puts the program's own bytes back for a while (one thread steps over them).
    func withdrawTrap(at address: TargetAddress) throws(SystemError) {
        guard let original = originals[address], !isSuspended else { return }
        try restore(original, at: address)
    }

    /// Ends `withdrawTrap`.
    func replaceTrap(at address: TargetAddress) throws(SystemError) {
        guard originals[address] != nil, !isSuspended else { return }
        try memory.write(trap, at: address.rawValue)
    }

    /// Writes back what belongs there, unless the program has put something else there by itself.
    private func restore(_ original: [UInt8], at address: TargetAddress) throws(SystemError) {
        guard let present = try? memory.read(at: address.rawValue, count: trap.count),
            present == trap
        else { return }
        try memory.write(original, at: address.rawValue)
    }

    /// Takes all traps out of the memory until `resumeTraps`.
    func suspendTraps() {
        guard !isSuspended else { return }
        for (address, original) in originals { try? restore(original, at: address) }
        isSuspended = true
    }

    /// Puts the traps back.
    func resumeTraps() {
        guard isSuspended else { return }
        isSuspended = false
        for address in originals.keys { try? memory.write(trap, at: address.rawValue) }
    }

    /// Removes all traps for good; what is unmapped by now needs none.
    func removeAllTraps() {
        if !isSuspended {
            for (address, original) in originals { try? restore(original, at: address) }
        }
        originals = [:]
    }

    /// A copy of the memory (fork) has the traps too: this is their record for the child.
    func copy(for memory: ProcessMemory) -> AddressSpace {
        let copy = AddressSpace(memory: memory, trap: trap)
        copy.originals = originals
        copy.isSuspended = isSuspended
        return copy
    }
}
