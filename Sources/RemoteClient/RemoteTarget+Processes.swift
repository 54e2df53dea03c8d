public import DebugTarget
internal import GDBRemoteProtocol

// Attaching, starting, letting go.
extension RemoteTarget {
    /// Attaches with `vAttach`.
    public func attach(to process: ProcessID) throws(TargetError) -> ThreadID {
        try requireExtended("attach to a process")
        let purpose = "attaching to process \(process)"
        let reply: [UInt8]
        var answers: [[UInt8]: [UInt8]] = [:]
        if savesTurns {
            (reply, answers) = try attachAndAsk(process, purpose)
        } else {
            reply = try exchange(ProcessRequest("vAttach;", process).payload, purpose)
        }
        let selected = selectedThread
        let thread = try firstStop(reply, of: process, purpose, .notPermitted)
        if savesTurns, selected == ThreadReference(thread, multiprocess: isMultiprocess) {
            selectedThread = selected
            stop.answers = answers
        }
        addProcess(process)
        if case .stopped(let stop)? = StopReply(payload: reply), stop.cause == nil,
            signals.signal(of: stop.signal) == .stop
        {
            suspended.insert(process)
        }
        return thread
    }

    /// Starts a program with `vRun`.
    public func launch(_ request: LaunchRequest) throws(TargetError) -> ThreadID {
        try requireExtended("start a program")
        try prepareLaunch(request)
        let name = request.arguments.first ?? "the program"
        let purpose = "starting \(name)"
        return try started(
            exchange(RunRequest(arguments: request.arguments).payload, purpose),
            purpose
        )
    }

    fileprivate func started(_ reply: [UInt8], _ purpose: String) throws(TargetError) -> ThreadID {
        let thread = try firstStop(reply, of: nil, purpose, .cannotRun)
        addProcess(thread.process)
        launched.insert(thread.process)
        return thread
    }

    fileprivate func requireExtended(_ what: String) throws(TargetError) {
        guard isExtended else {
            throw TargetError(
                .unsupported,
                "\(peerName) cannot \(what): it is no extended-remote stub"
                    + " (gdbserver needs --multi)."
            )
        }
    }

    fileprivate func prepareLaunch(_ request: LaunchRequest) throws(TargetError) {
        try requestSwitch("QDisableRandomization", request.disablesAddressRandomization)
        try requestSwitch("QStartupWithShell", request.usesShell)
        if features.supports("QEnvironmentReset") {
            try command(EnvironmentRequest.reset.payload, "forgetting environment changes")
        }
        for change in request.environment {
            let packet: EnvironmentRequest =
                change.value.map { .set(name: change.name, value: $0) } ?? .unset(name: change.name)
            guard try command(packet.payload, "changing the variable \(change.name)") else {
                throw TargetError(.unsupported, "\(peerName) cannot change the environment.")
            }
        }
        // An empty text means the stub's own folder, which matters only after another was set.
        if let folder = request.workingDirectory {
            let packet = HexTextRequest.payload("QSetWorkingDir:", folder)
            guard try command(packet, "setting the working directory") else {
                throw TargetError(.unsupported, "\(peerName) cannot set the working directory.")
            }
        }
    }

    private func requestSwitch(_ name: String, _ value: Bool) throws(TargetError) {
        guard features.supports(name) else { return }
        try command(SwitchRequest.payload(name + ":", value), name)
    }

    /// Reads the stop that follows `vAttach` or `vRun`.
    private func firstStop(
        _ first: [UInt8],
        of process: ProcessID?,
        _ purpose: String,
        _ code: TargetError.Code
    ) throws(TargetError) -> ThreadID {
        var reply = first
        while true {
            switch StopReply(payload: reply) {
            case .stopped(let stop):
                forgetStop()
                return try accept(stop, expectedProcess: process)
            case .output(let bytes) where reply != PlainReply.ok:
                pendingEvents.append(.output(bytes))
            case .exited(let status, _):
                throw TargetError(.cannotRun, "\(purpose): it ended at once, status \(status).")
            case .terminated(let signal, _):
                throw TargetError(.cannotRun, "\(purpose): it ended at once by signal \(signal).")
            default:
                throw failure(reply, purpose, code)
            }
            guard pendingEvents.count < PacketLink.queuedPacketsMax else {
                throw failure(reply, purpose, code)
            }
            reply = try link.next(purpose)
        }
    }

    /// Lets go with `D`.
    public func detach(from process: ProcessID) throws(TargetError) {
        try removeReplacedBytes(of: process)
        let payload =
            isMultiprocess ? ProcessRequest("D;", process).payload : [UInt8](text: "D")
        try command(payload, "detaching from process \(process)")
        removeProcess(process)
    }

    /// Ends a process with `vKill`, or `k` where there is none.
    public func kill(_ process: ProcessID) throws(TargetError) {
        let purpose = "ending process \(process)"
        if !missingPackets.contains("vKill") {
            if try command(ProcessRequest("vKill;", process).payload, purpose) {
                return removeProcess(process)
            }
            missingPackets.insert("vKill")
        }
        // `k` has no reply.
        try link.send([UInt8](text: "k"))
        removeProcess(process)
    }
}

extension RemoteTarget: JobControl {
    /// Whether the stub said, when the process was attached to, that SIGSTOP keeps it.
    public func isSuspended(_ process: ProcessID) -> Bool {
        suspended.contains(process)
    }
}

extension RemoteTarget: ImplicitLaunch {
    /// Starts the stub's own program with `vRunImplicit`.
    public func launchImplicitly() throws(TargetError) -> ThreadID {
        try requireExtended("start a program")
        // Its addresses, as those of other programs, are the same in every run.
        try prepareLaunch(LaunchRequest(arguments: []))
        let purpose = "starting the server's implicit command line"
        return try started(exchange("vRunImplicit", purpose), purpose)
    }
}
