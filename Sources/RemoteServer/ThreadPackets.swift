internal import DebugTarget
internal import GDBRemoteProtocol

// Which threads there are, and which one is meant.

private let noProcess = TargetError(
    .invalid,
    "no process is being debugged: attach or run first"
)

extension ServerSession {
    static var threadPackets: [PacketEntry] {
        [
            PacketEntry("H") { session, packet throws(TargetError) in
                try session.selectThread(packet)
            },
            PacketEntry("T") { session, packet throws(TargetError) in
                guard let reference = ThreadReference(packet.dropFirst()) else {
                    return .malformed(packet)
                }
                _ = try session.thread(reference)
                return .ok
            },
            PacketEntry("qC") { session, _ throws(TargetError) in
                guard !session.target.processes.isEmpty else {
                    return session.personality.isLLDB ? .failure(noProcess) : .payload([])
                }
                let thread = session.reference(try session.currentThread())
                return .payload([UInt8](text: "QC" + thread.text))
            },
            PacketEntry("qfThreadInfo") { session, _ throws(TargetError) in
                // An empty list makes lldb believe in a process 1.
                if session.personality.isLLDB, session.target.processes.isEmpty { return .ok }
                session.remainingThreads = try session.allThreads().map { $0.thread }
                return session.nextThreads()
            },
            PacketEntry("qsThreadInfo") { session, _ in session.nextThreads() },
            PacketEntry("qThreadExtraInfo,") { session, packet throws(TargetError) in
                try session.extraInformation(packet)
            },
            PacketEntry("QThreadEvents") { session, packet in
                session.selectThreadEvents(packet)
            },
        ]
    }

    private func selectThread(_ packet: [UInt8]) throws(TargetError) -> Reply {
        guard let request = ThreadSelection(payload: packet) else { return .malformed(packet) }
        switch request.purpose {
        case "g":
            // gdb selects "any" before there is a process.
            if target.processes.isEmpty {
                selection.general = nil
            } else {
                selection.general = try thread(request.thread)
            }
            return .ok
        case "c":
            selection.resumed = request.thread
            return .ok
        default: return .unsupported
        }
    }

    /// All threads of all processes as this client writes them.
    func allThreads() throws(TargetError) -> [ThreadListEntry] {
        var entries: [ThreadListEntry] = []
        for process in target.processes {
            for thread in try threads(of: process) {
                entries.append(
                    ThreadListEntry(
                        thread: reference(thread.thread),
                        core: thread.core,
                        name: thread.name
                    )
                )
            }
        }
        return entries
    }

    private func nextThreads() -> Reply {
        let (payload, count) = ThreadListReply.payload(
            remainingThreads[...],
            payloadBytesMax: packetBytesMax
        )
        remainingThreads.removeFirst(count)
        return .payload(payload)
    }

    private func extraInformation(_ packet: [UInt8]) throws(TargetError) -> Reply {
        let text = packet.dropFirst("qThreadExtraInfo,".utf8.count)
        guard let reference = ThreadReference(text) else { return .malformed(packet) }
        let thread = try thread(reference)
        let list = try threads(of: thread.process)
        let summary = list.first { $0.thread == thread }
        return .payload(Hex.encode((summary?.name ?? "").utf8))
    }

    private func selectThreadEvents(_ packet: [UInt8]) -> Reply {
        guard let policy = target.eventSelection else { return .unsupported }
        guard let isOn = SwitchRequest.value(in: packet, after: "QThreadEvents:") else {
            return .malformed(packet)
        }
        if isOn {
            policy.reportedEvents.insert(.threads)
        } else {
            policy.reportedEvents.remove(.threads)
        }
        return .ok
    }
}
