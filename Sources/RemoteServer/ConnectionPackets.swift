internal import AccessPolicy
internal import DebugTarget
internal import GDBRemoteProtocol

// The connection itself: features, acknowledgements, extended mode.

extension ServerSession {
    static var connectionPackets: [PacketEntry] {
        [
            PacketEntry("qSupported") { session, packet in session.agreeOnFeatures(packet) },
            PacketEntry("QStartNoAckMode") { session, _ in
                session.personality.usesAcknowledgements = false
                return .ok
            },
            // A reply to something unknown would teach the client that it is known.
            PacketEntry("vMustReplyEmpty") { _, _ in .unsupported },
            PacketEntry("!") { _, _ in .ok },
            PacketEntry("qSymbol") { _, packet in
                // No symbols are asked for: thread-local storage is found without libthread_db.
                packet.starts(with: "qSymbol:".utf8) ? .ok : .unsupported
            },
            PacketEntry("QAllow:", showsErrorText: true) { session, packet in
                session.renounce(packet)
            },
        ]
    }

    private func agreeOnFeatures(_ packet: [UInt8]) -> Reply {
        guard let offered = FeatureList(request: packet) else { return .malformed(packet) }
        personality.adopt(offered)
        var events: Set<OptionalEvent> = []
        if personality.forkEvents { events.insert(.fork) }
        if personality.vforkEvents { events.insert(.vfork) }
        target.eventSelection?.reportedEvents = events
        return .payload([UInt8](text: features(for: offered).text))
    }

    /// Takes what the client wants to be able to do (`QAllow`): it can give up rights, and not gain any.
    private func renounce(_ packet: [UInt8]) -> Reply {
        guard let request = AllowRequest(payload: packet) else { return .malformed(packet) }
        let permissions: [(String, Permission)] = [
            ("WriteReg", .writeMemory), ("WriteMem", .writeMemory), ("InsertBreak", .breakpoints),
        ]
        target.renounced = Set(
            permissions.compactMap { request.values[$0.0] == false ? $0.1 : nil }
        )
        let wanted = permissions.filter { request.values[$0.0] == true }.map(\.1)
        let refusal = wanted.compactMap { policy.access.generalRefusal($0) }.first
        return refusal.map { .failure(TargetError(.notPermitted, $0)) } ?? .ok
    }

    /// What there is, from what the target can and the client understands.
    private func features(for client: FeatureList) -> FeatureList {
        var list = FeatureList()
        list.add("PacketSize", value: Hex.text(UInt64(packetBytesMax)))
        let always = [
            "QStartNoAckMode", "multiprocess", "vContSupported", "swbreak", "hwbreak",
            "no-resumed", "QDisableRandomization", "QEnvironmentHexEncoded",
            "QEnvironmentUnset", "QEnvironmentReset", "QSetWorkingDir", "QStartupWithShell",
            "qXfer:features:read", "qXfer:threads:read", "binary-upload", "MultiMemRead",
        ]
        for name in always { list.add(name) }
        let abilities: [(Bool, [String])] = [
            (
                personality.isLLDB,
                ["QThreadSuffixSupported", "QListThreadsInStopReply", "native-signals", "qEcho"]
            ),
            (
                target.processDetails != nil,
                [
                    "qXfer:auxv:read", "qXfer:exec-file:read", "qXfer:libraries-svr4:read",
                    "augmented-libraries-svr4-read",
                ]
            ),
            (target.signalInformation != nil, ["qXfer:siginfo:read", "qXfer:siginfo:write"]),
            (target.systemTables != nil, ["qXfer:osdata:read"]),
            (target.signalPolicy != nil, ["QPassSignals", "QProgramSignals"]),
            (target.eventSelection != nil, ["QThreadEvents"]),
            (target.systemCallCatching != nil, ["QCatchSyscalls"]),
            (target.nonStopControl != nil, ["QNonStop"]),
            (target.breakpointJudging != nil, ["ConditionalBreakpoints", "BreakpointCommands"]),
            (target.eventSelection != nil && personality.forkEvents, ["fork-events"]),
            (target.eventSelection != nil && personality.vforkEvents, ["vfork-events"]),
            (personality.execEvents, ["exec-events"]),
            (personality.errorMessages, ["error-message"]),
            (personality.snapshotLineBytes != nil, ["stop-snapshot"]),
            (personality.wantsSharedRanges && target.processDetails != nil, ["shared-ranges"]),
            (!policy.access.isOpen, ["QAllow"]),
            (!policy.implicitCommand.isEmpty, ["vRunImplicit"]),
        ]
        for (isThere, names) in abilities where isThere {
            for name in names { list.add(name) }
        }
        return list
    }
}
