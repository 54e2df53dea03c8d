public import DebugTarget
internal import GDBRemoteProtocol

extension RemoteTarget {
    /// The registers as target.xml describes them, or gdb's x86-64 order where there is none.
    public func targetDescription(
        of process: ProcessID
    ) throws(TargetError) -> TargetDescription {
        if let known = descriptions[process] { return known }
        let description: TargetDescription
        if features.supports("qXfer:features:read") {
            try select(process)
            let read = TargetDescriptionReader.read { annex in
                if annex == "target.xml" { return try self.targetDocument() }
                return try self.readObject(
                    "features",
                    annex: annex,
                    "the target description \(annex)"
                )
            }
            if link.isLost { _ = try exchange("?", "the target description") }
            guard let read else {
                throw TargetError(
                    .unsupported,
                    "\(peerName) describes registers in a way that cannot be understood"
                        + " (x86-64 and arm64 are known)."
                )
            }
            description = read
        } else {
            description = KnownRegisters.x86Fallback
        }
        descriptions[process] = description
        return description
    }

    /// All registers, kept until the next stop or write.
    public func registers(of thread: ThreadID) throws(TargetError) -> RegisterBlock {
        if let known = stop.registers[thread] { return known }
        let description = try targetDescription(of: thread.process)
        if let bytes = stop.blocks[thread],
            let block = RegisterReply.block(
                ofPayload: Hex.encode(bytes),
                description: description
            )
        {
            stop.registers[thread] = block
            return block
        }
        try select(thread)
        let purpose = "the registers of thread \(thread)"
        let reply = try exchange(RegisterRequest.readAll.payload, purpose)
        guard !isRefusal(reply),
            let block = RegisterReply.block(ofPayload: reply, description: description)
        else { throw failure(reply, purpose, .noSuchProcess) }
        stop.registers[thread] = block
        return block
    }

    /// Stores what differs from the registers as they were: with `P` where the stub has it, or all.
    public func setRegisters(_ block: RegisterBlock, of thread: ThreadID) throws(TargetError) {
        let old = try registers(of: thread)
        let description = try targetDescription(of: thread.process)
        let changed = description.registers.filter { block.bytes(of: $0) != old.bytes(of: $0) }
        guard !changed.isEmpty else { return }
        try select(thread)
        defer { forgetValues(of: thread) }
        let purpose = "storing registers of thread \(thread)"
        if !missingPackets.contains("P"), try storeOneByOne(changed, of: block, purpose) { return }
        missingPackets.insert("P")
        guard try command(RegisterRequest.writeAll(block.bytes).payload, purpose) else {
            throw TargetError(.unsupported, "\(peerName) cannot change registers.")
        }
    }

    private func storeOneByOne(
        _ changed: [RegisterDescription],
        of block: RegisterBlock,
        _ purpose: String
    ) throws(TargetError) -> Bool {
        for register in changed {
            guard let bytes = block.bytes(of: register) else { continue }
            let request = RegisterRequest.write(register.number, Array(bytes))
            guard try command(request.payload, purpose) else { return false }
        }
        return true
    }

    private func forgetValues(of thread: ThreadID) {
        stop.registers[thread] = nil
        stop.expedited[thread] = nil
        stop.blocks[thread] = nil
    }
}

extension RemoteTarget: StopRegisters {
    /// A register that came with the stop reply, which costs nothing.
    public func stopRegister(_ register: RegisterDescription, of thread: ThreadID) -> UInt64? {
        if let block = stop.registers[thread] { return block.value(of: register) }
        guard register.byteCount <= 8,
            let bytes = stop.expedited[thread]?[register.number],
            bytes.count == register.byteCount
        else { return nil }
        return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The registers that came with stop replies.
    public var stopRegisters: (any StopRegisters)? { self }
}
