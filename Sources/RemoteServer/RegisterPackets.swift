internal import DebugTarget
internal import GDBRemoteProtocol

extension ServerSession {
    static var registerPackets: [PacketEntry] {
        ["g", "G", "p", "P"].map { name in
            PacketEntry(name) { session, packet throws(TargetError) in
                guard let (packet, suffix) = ThreadSuffix.split(packet),
                    let request = RegisterRequest(payload: packet)
                else { return .malformed(packet) }
                let thread =
                    if let suffix { try session.thread(suffix) } else {
                        try session.currentThread()
                    }
                return try session.answer(request, of: thread)
            }
        }
    }

    private func answer(
        _ request: RegisterRequest,
        of thread: ThreadID
    ) throws(TargetError) -> Reply {
        let description = try target.targetDescription(of: thread.process)
        var block = try target.registers(of: thread)
        switch request {
        case .readAll:
            let payload = RegisterReply.payload(of: block, description: description)
            return .payload(RunLength.compress(payload))
        case .writeAll(let bytes):
            // A client that knows fewer registers sends a shorter block.
            guard bytes.count <= block.bytes.count else {
                throw TargetError(
                    .invalid,
                    "\(bytes.count) bytes of registers were sent, there are \(block.bytes.count)"
                )
            }
            block.bytes.replaceSubrange(..<bytes.count, with: bytes)
            try target.setRegisters(block, of: thread)
            return .ok
        case .read(let number):
            let register = try register(number, in: description)
            let bytes = block.bytes(of: register)
            return .payload(RegisterReply.payload(of: bytes, byteCount: register.byteCount))
        case .write(let number, let bytes):
            let register = try register(number, in: description)
            guard bytes.count == register.byteCount else {
                throw TargetError(
                    .invalid,
                    "register \(register.name) has \(register.byteCount) bytes, not \(bytes.count)"
                )
            }
            let end = register.offset + register.byteCount
            block.bytes.replaceSubrange(register.offset..<end, with: bytes)
            try target.setRegisters(block, of: thread)
            return .ok
        }
    }

    private func register(
        _ number: Int,
        in description: TargetDescription
    ) throws(TargetError) -> RegisterDescription {
        guard let register = description.registers.first(where: { $0.number == number }) else {
            throw TargetError(.invalid, "there is no register \(number)")
        }
        return register
    }
}
