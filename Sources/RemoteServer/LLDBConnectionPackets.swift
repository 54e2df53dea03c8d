internal import DebugTarget
internal import GDBRemoteProtocol

// What lldb settles with a server before it debugs, beyond `qSupported`.

extension ServerSession {
    static var lldbConnectionPackets: [PacketEntry] {
        [
            PacketEntry("QThreadSuffixSupported") { _, _ in .ok },
            PacketEntry("QListThreadsInStopReply") { session, _ in
                session.personality.listsThreads = true
                return .ok
            },
            PacketEntry("QEnableErrorStrings") { session, _ in
                session.personality.errorStrings = true
                return .ok
            },
            // The whole packet comes back: after a timeout the client finds its place by it.
            PacketEntry("qEcho:") { _, packet in .payload(packet) },
            PacketEntry("qGDBServerVersion") { _, _ in
                .payload([UInt8](text: "name:dbgsrv;version:1;"))
            },
            PacketEntry("qVAttachOrWaitSupported") { session, _ in
                session.target.processAwaiting == nil ? .unsupported : .ok
            },
            // The client guesses the signals from the system. Told, lldb 14 adds them to a table of BSD's
            // without replacing what is in it, and then takes SIGSTOP for SIGCONT.
            PacketEntry("jSignalsInfo") { _, _ in .unsupported },
        ]
    }
}
