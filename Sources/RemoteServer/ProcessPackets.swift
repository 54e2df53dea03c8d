internal import DebugTarget
internal import GDBRemoteProtocol

// Starting, attaching, detaching, killing.

extension ServerSession {
    static var processPackets: [PacketEntry] {
        [
            PacketEntry("vAttach;", showsErrorText: true) { session, packet throws(TargetError) in
                guard let process = ProcessRequest.process(in: packet, after: "vAttach;") else {
                    return .malformed(packet)
                }
                return try session.attach(to: process)
            },
            PacketEntry("vRun", showsErrorText: true) { session, packet throws(TargetError) in
                guard let request = RunRequest(payload: packet) else { return .malformed(packet) }
                return try session.launch(request)
            },
            PacketEntry("vKill;", showsErrorText: true) { session, packet throws(TargetError) in
                guard let process = ProcessRequest.process(in: packet, after: "vKill;") else {
                    return .malformed(packet)
                }
                try session.target.kill(process)
                session.forgetGone()
                return .ok
            },
            PacketEntry("D", showsErrorText: true) { session, packet throws(TargetError) in
                try session.detach(packet)
            },
            PacketEntry("vRunImplicit", showsErrorText: true) { session, _ throws(TargetError) in
                try session.launchImplicitly()
            },
            PacketEntry("k", hasReply: false) { session, _ in
                for process in session.target.processes { try? session.target.kill(process) }
                session.forgetGone()
                guard session.personality.isLLDB else { return .none }
                // lldb waits for the end that it asked for.
                let signal = session.personality.signals.number(of: .kill)
                return .payload(StopReply.terminated(signal: signal, process: nil).payload)
            },
            PacketEntry("R", hasReply: false) { session, _ in
                for process in session.target.processes { try? session.target.kill(process) }
                if let thread = try? session.target.launch(session.launchSettings.request) {
                    _ = session.stopReply(thread, .launched)
                }
                return .none
            },
            PacketEntry("qAttached") { session, packet throws(TargetError) in
                let named = ProcessRequest.process(in: packet, after: "qAttached:")
                let process = if let named { named } else { try session.currentProcess() }
                let launched = session.target.processDetails?.wasLaunched(process) ?? false
                return .payload([UInt8](text: launched ? "0" : "1"))
            },
            PacketEntry("?") { session, _ throws(TargetError) in try session.answerStopQuestion() },
        ]
    }

    func attach(to process: ProcessID) throws(TargetError) -> Reply {
        let thread = try target.attach(to: process)
        guard isNonStop else { return stopReply(thread, .attached) }
        // The client asks for each thread to stop when it has read the description of its registers; a stop
        // that came before that would have registers that it cannot read.
        selection.stopped(thread)
        try target.resume([ResumeAction(.process(process), .run)])
        return .ok
    }

    func launch(_ request: RunRequest) throws(TargetError) -> Reply {
        var arguments = request.argumentBytes
        if arguments.first?.isEmpty ?? true {
            // No program: the one of the last time, with these arguments.
            guard let program = launchSettings.arguments.first else {
                throw TargetError(.invalid, "no program was named, and none was run before")
            }
            arguments = [program] + arguments.dropFirst()
        }
        launchSettings.arguments = arguments
        return try launch()
    }

    /// `vRunImplicit`: starts what the server was given for the purpose (`dbgsrv -pc`).
    private func launchImplicitly() throws(TargetError) -> Reply {
        guard !policy.implicitCommand.isEmpty else {
            throw TargetError(
                .invalid,
                "the server has no implicit command line; it is given by dbgsrv -pc COMMAND LINE"
            )
        }
        launchSettings.arguments = policy.implicitCommand
        return try launch()
    }

    private func launch() throws(TargetError) -> Reply {
        launchFailure = nil
        var settings = launchSettings.request
        // lldb shows what the program writes; with gdb it goes where the server's own output goes.
        if personality.isLLDB { settings.standardStreams = launchSettings.streams }
        let thread = try target.launch(settings)
        return stopReply(thread, .launched)
    }

    private func detach(_ packet: [UInt8]) throws(TargetError) -> Reply {
        if packet == [UInt8](text: "D") {
            for process in target.processes { try target.detach(from: process) }
        } else {
            guard let process = ProcessRequest.process(in: packet, after: "D;") else {
                return .malformed(packet)
            }
            try target.detach(from: process)
        }
        forgetGone()
        return .ok
    }

    private func answerStopQuestion() throws(TargetError) -> Reply {
        if isNonStop { return repeatStops() }
        guard let process = target.processes.first else {
            return .payload(StopReply.exited(status: 0, process: nil).payload)
        }
        if let lastStop {
            guard case .stopped = lastStop, let shownStop else {
                return .payload(lastStop.payload)
            }
            // Said again as the client understands it now: it may be another one, or have agreed on other features.
            let reply = StopReply.stopped(threadStop(shownStop.thread, shownStop.reason))
            self.lastStop = reply
            forgetState()
            return .payload(reply.payload)
        }
        guard let thread = try target.threadIDs(of: process).first else {
            return .payload(StopReply.exited(status: 0, process: nil).payload)
        }
        return stopReply(thread, .attached)
    }

    /// A stop that is the answer to a request.
    private func stopReply(_ thread: ThreadID, _ reason: StopReason) -> Reply {
        selection.stopped(thread)
        forgetState()
        // What job control keeps stopped says so, as gdb's own stub does.
        let isSuspended = target.jobControl?.isSuspended(thread.process) ?? false
        let shown = isSuspended && reason == .attached ? .signal(.stop) : reason
        let reply = StopReply.stopped(threadStop(thread, shown))
        lastStop = reply
        forgetState()
        return .payload(reply.payload)
    }

    /// Lets go of what was known of processes that are gone.
    func forgetGone() {
        forgetState()
        lastStop = nil
        shownStop = nil
        if let general = selection.general, !target.processes.contains(general.process) {
            selection.stopped(nil)
        }
        notifications.forget(exceptOf: target.processes)
        // Killed or detached while it ran: no stop reply will come for it.
        if target.processes.isEmpty { isRunning = false }
    }
}
