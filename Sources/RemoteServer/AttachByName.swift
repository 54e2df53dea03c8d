internal import DebugTarget
internal import GDBRemoteProtocol

// Attaching to a program by its name, now or when it starts.

extension ServerSession {
    static var attachByNamePackets: [PacketEntry] {
        [
            PacketEntry("vAttachName;", showsErrorText: true) {
                session,
                packet throws(TargetError) in
                guard let name = session.programName(in: packet) else { return .malformed(packet) }
                guard let process = try session.onlyProcess(named: name) else {
                    throw TargetError(.noSuchProcess, "no process runs a program called \(name)")
                }
                return try session.attach(to: process)
            },
            PacketEntry("vAttachWait;", showsErrorText: true) {
                session,
                packet throws(TargetError) in
                guard let name = session.programName(in: packet) else { return .malformed(packet) }
                return try session.awaitProcess(named: name)
            },
            PacketEntry("vAttachOrWait;", showsErrorText: true) {
                session,
                packet throws(TargetError) in
                guard let name = session.programName(in: packet) else { return .malformed(packet) }
                if let process = try session.onlyProcess(named: name) {
                    return try session.attach(to: process)
                }
                return try session.awaitProcess(named: name)
            },
        ]
    }

    private func programName(in packet: [UInt8]) -> String? {
        guard let semicolon = packet.firstIndex(of: UInt8(ascii: ";")),
            let bytes = Hex.decode(packet[(semicolon + 1)...]), !bytes.isEmpty
        else { return nil }
        let path = String(decoding: bytes, as: UTF8.self)
        return path.split(separator: "/").last.map { String($0) }
    }

    private func onlyProcess(named name: String) throws(TargetError) -> ProcessID? {
        guard let facts = target.hostFacts else { return nil }
        var query = ProcessQuery()
        query.name = name
        let found = try facts.processNumbers().filter { process in
            facts.identity(of: process).map { query.matches($0) } ?? false
        }
        guard found.count <= 1 else {
            let list = found.map { "\($0)" }.joined(separator: ", ")
            throw TargetError(
                .invalid,
                "several processes run a program called \(name): \(list); attach by number"
            )
        }
        return found.first
    }

    private func awaitProcess(named name: String) throws(TargetError) -> Reply {
        guard let ability = target.processAwaiting else { return .unsupported }
        try ability.awaitProcess(named: name)
        beginRunning()
        return .later
    }
}
