internal import DebugTarget
internal import GDBRemoteProtocol

// What lldb needs to evaluate expressions: memory of the debuggee's, and registers kept and put back.

/// Registers that a client has had kept.
struct KeptRegisters {
    /// The most register sets that are kept at a time.
    static let countMax = 256

    private var sets: [UInt64: (thread: ThreadID, block: RegisterBlock)] = [:]
    private var lastNumber: UInt64 = 0

    mutating func keep(_ block: RegisterBlock, of thread: ThreadID) -> UInt64? {
        guard sets.count < KeptRegisters.countMax else { return nil }
        lastNumber += 1
        sets[lastNumber] = (thread, block)
        return lastNumber
    }

    mutating func take(_ number: UInt64) -> (thread: ThreadID, block: RegisterBlock)? {
        sets.removeValue(forKey: number)
    }
}

extension ServerSession {
    static var allocationPackets: [PacketEntry] {
        ["_M", "_m"].map { name in
            PacketEntry(name) { session, packet throws(TargetError) in
                guard let ability = session.target.memoryAllocation else { return .unsupported }
                guard let request = AllocationRequest(payload: packet) else {
                    return .malformed(packet)
                }
                return try session.answer(request, ability)
            }
        } + [
            PacketEntry("QSaveRegisterState") { session, packet throws(TargetError) in
                try session.keepRegisters(packet)
            },
            PacketEntry("QRestoreRegisterState:") { session, packet throws(TargetError) in
                try session.putBackRegisters(packet)
            },
        ]
    }

    private func answer(
        _ request: AllocationRequest,
        _ ability: any MemoryAllocation
    ) throws(TargetError) -> Reply {
        let thread = try currentThread()
        // The thread that executes the system call is not the same afterwards, nor is the memory map.
        defer { forgetState() }
        switch request {
        case .allocate(let count, let permissions):
            let address = try ability.allocate(count, permissions, by: thread)
            return .payload(AllocationRequest.reply(address))
        case .release(let address):
            try ability.release(address, by: thread)
            return .ok
        }
    }

    private func keepRegisters(_ packet: [UInt8]) throws(TargetError) -> Reply {
        guard let (_, suffix) = ThreadSuffix.split(packet) else { return .malformed(packet) }
        let thread = if let suffix { try thread(suffix) } else { try currentThread() }
        guard let number = keptRegisters.keep(try target.registers(of: thread), of: thread) else {
            throw TargetError(.invalid, "\(KeptRegisters.countMax) register sets are kept already")
        }
        return .payload([UInt8](text: "\(number)"))
    }

    private func putBackRegisters(_ packet: [UInt8]) throws(TargetError) -> Reply {
        let name = "QRestoreRegisterState:"
        guard let (request, _) = ThreadSuffix.split(packet),
            let number = UInt64(String(decoding: request.dropFirst(name.utf8.count), as: UTF8.self))
        else { return .malformed(packet) }
        guard let kept = keptRegisters.take(number) else {
            throw TargetError(.invalid, "there are no kept registers \(number)")
        }
        try target.setRegisters(kept.block, of: kept.thread)
        return .ok
    }
}
