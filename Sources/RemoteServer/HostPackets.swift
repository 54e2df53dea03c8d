internal import DebugTarget
internal import GDBRemoteProtocol

// The machine and its processes, as lldb asks for them.

extension ServerSession {
    static var hostPackets: [PacketEntry] {
        [
            PacketEntry("qHostInfo") { session, _ in
                guard let facts = session.target.hostFacts else { return .unsupported }
                let patience = session.profile.patienceSeconds
                return .payload(facts.host.payload(patienceSeconds: patience))
            },
            PacketEntry("qProcessInfo") { session, _ throws(TargetError) in
                try session.describeCurrentProcess()
            },
            PacketEntry("qProcessInfoPID:") { session, packet in
                session.describeProcess(packet)
            },
            PacketEntry("qfProcessInfo") { session, packet throws(TargetError) in
                try session.beginProcessList(packet)
            },
            PacketEntry("qsProcessInfo") { session, _ throws(TargetError) in
                try session.nextListedProcess()
            },
            PacketEntry("qUserName:") { session, packet in
                session.name(in: packet, after: "qUserName:") { $0.userName($1) }
            },
            PacketEntry("qGroupName:") { session, packet in
                session.name(in: packet, after: "qGroupName:") { $0.groupName($1) }
            },
            PacketEntry("qGetWorkingDir") { session, _ throws(TargetError) in
                guard let folder = try session.platformFolder() else { return .unsupported }
                return .payload(Hex.encode(folder.utf8))
            },
        ]
    }

    private func describeCurrentProcess() throws(TargetError) -> Reply {
        guard let facts = target.hostFacts else { return .unsupported }
        let process = try currentProcess()
        guard let identity = facts.identity(of: process) else {
            throw TargetError(.noSuchProcess, "process \(process) has ended")
        }
        let architecture = try target.targetDescription(of: process).architecture
        return .payload(identity.payload(architecture))
    }

    private func describeProcess(_ packet: [UInt8]) -> Reply {
        guard let facts = target.hostFacts else { return .unsupported }
        let digits = packet.dropFirst("qProcessInfoPID:".utf8.count)
        guard let number = Int32(String(decoding: digits, as: UTF8.self)) else {
            return .malformed(packet)
        }
        guard let identity = facts.identity(of: ProcessID(number)) else {
            return .failure(TargetError(.noSuchProcess, "there is no process \(number)"))
        }
        return .payload(listEntry(identity, facts))
    }

    private func listEntry(_ identity: ProcessIdentity, _ facts: any HostFacts) -> [UInt8] {
        identity.listPayload(
            facts.host.architecture,
            payloadBytesMax: min(packetBytesMax, ServerSession.processEntryBytesMax)
        )
    }

    /// The most bytes that one process takes in a list; long command lines are cut off.
    private static let processEntryBytesMax = 4096

    private func beginProcessList(_ packet: [UInt8]) throws(TargetError) -> Reply {
        guard let facts = target.hostFacts else { return .unsupported }
        guard let query = ProcessQuery(payload: packet) else { return .malformed(packet) }
        listedProcesses = (query, try facts.processNumbers()[...])
        return try nextListedProcess()
    }

    private func nextListedProcess() throws(TargetError) -> Reply {
        guard let facts = target.hostFacts else { return .unsupported }
        while let process = listedProcesses.rest.popFirst() {
            guard let identity = facts.identity(of: process),
                listedProcesses.query.matches(identity)
            else { continue }
            return .payload(listEntry(identity, facts))
        }
        throw TargetError(.noSuchProcess, "there is no such process, or no further one")
    }

    private func name(
        in packet: [UInt8],
        after head: String,
        _ find: (any HostFacts, UInt32) -> String?
    ) -> Reply {
        guard let facts = target.hostFacts else { return .unsupported }
        let digits = String(decoding: packet.dropFirst(head.utf8.count), as: UTF8.self)
        guard let number = UInt32(digits) else { return .malformed(packet) }
        guard let name = find(facts, number) else {
            return .failure(TargetError(.invalid, "nobody has the number \(number)"))
        }
        return .payload(Hex.encode(name.utf8))
    }

    /// Where the client puts its files and where relative paths start.
    ///
    /// lldb, before it sends a program there, removes a file of that name from its own machine
    /// (`Platform::Install`). When that is this machine, the program itself would be gone; so then the
    /// folder is one of our own.
    func platformFolder() throws(TargetError) -> String? {
        if let chosen = launchSettings.workingDirectory { return chosen }
        if policy.clientIsOnThisMachine, let services = target.platformServices {
            if let made = temporaryFolder { return made }
            let made = try services.makeTemporaryFolder()
            temporaryFolder = made
            return made
        }
        return target.hostFacts?.workingDirectory
    }
}
