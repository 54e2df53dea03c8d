public import DebugTarget
internal import GDBRemoteProtocol

extension RemoteTarget {
    /// What the client can do, for `qSupported`.
    private var ownFeatures: FeatureList {
        var list = FeatureList()
        for name in [
            "multiprocess", "swbreak", "hwbreak", "fork-events", "vfork-events", "exec-events",
            "vContSupported", "no-resumed", "error-message",
            "stop-ends-interrupt",
        ] {
            list.add(name)
        }
        list.add("xmlRegisters", value: "i386")
        if options.savesTurns {
            list.add("stop-snapshot", value: Hex.text(UInt64(options.memoryLineBytes)))
            list.add("shared-ranges")
        }
        return list
    }

    func connect() throws(TargetError) {
        let reply = try exchange(ownFeatures.request, "the list of the stub's features")
        features = FeatureList(parsing: reply)
        isMultiprocess = features.supports("multiprocess")
        if features.supports("native-signals") { signals = .linux }
        if let text = features.value(of: "PacketSize"), let size = Int(text, radix: 16) {
            packetBytesMax = min(max(size, 64), PacketLink.payloadBytesMax / 2)
        }
        if savesTurns, features.supports("QStartNoAckMode") { return try introduce() }
        if features.supports("QStartNoAckMode"),
            try exchange("QStartNoAckMode", "ending acknowledgements") == PlainReply.ok
        {
            link.needsAcknowledgements = false
        }
        isExtended = try exchange("!", "extended mode") == PlainReply.ok
        let abilities = try exchange("vCont?", "the ways to resume")
        resumeAbilities = Set(ResumeAbilities(payload: abilities)?.actions ?? [])
        try adoptProcesses(try exchange("?", "the reason the target stands"))
    }

    /// The rest of the beginning with a server that takes it in one go.
    private func introduce() throws(TargetError) {
        link.needsAcknowledgements = false
        let questions = ["QStartNoAckMode", "!", "vCont?", "?"].map { [UInt8](text: $0) }
        let replies = try link.exchange(all: questions, "the beginning of the session")
        isExtended = replies[1] == PlainReply.ok
        resumeAbilities = Set(ResumeAbilities(payload: replies[2])?.actions ?? [])
        try adoptProcesses(replies[3])
    }

    /// Takes over a process that stands there already (a stub started with a program, kgdb, QEMU).
    private func adoptProcesses(_ reply: [UInt8]) throws(TargetError) {
        guard !isRefusal(reply) else { return }
        guard let stop = StopReply(payload: reply) else {
            throw failure(reply, "the reason the target stands")
        }
        guard case .stopped(let thread) = stop else { return }
        let event = try accept(thread, expectedProcess: nil)
        initialThread = event
        addProcess(event.process)
        for process in try listedProcesses() { addProcess(process) }
    }

    private func listedProcesses() throws(TargetError) -> [ProcessID] {
        try readThreadList().map(\.thread.process)
    }

    func addProcess(_ process: ProcessID) {
        if !processes.contains(process) { processes.append(process) }
        if assumedProcess == nil { assumedProcess = process }
    }

    func removeProcess(_ process: ProcessID) {
        processes.removeAll { $0 == process }
        descriptions[process] = nil
        executablePaths[process] = nil
        breakpoints.planted[process] = nil
        breakpoints.replacedBytes[process] = nil
        breakpoints.conditions[process] = nil
        launched.remove(process)
        suspended.remove(process)
        if assumedProcess == process { assumedProcess = processes.first }
        if fileSystemProcess == process { fileSystemProcess = nil }
        forgetStop()
    }

    /// How many packets of text the answer to a command may have.
    private static let monitorPacketsMax = 65_536

    /// Sends a command's text to the stub (`qRcmd`, gdb's `monitor`) and gives what it printed.
    public func monitor(_ text: String) throws(TargetError) -> String {
        let payload = HexTextRequest.payload("qRcmd,", text)
        var output: [UInt8] = []
        var packets = 0
        var reply = try exchange(payload, "the answer to \"\(text)\"")
        while reply.count > 1, reply.first == UInt8(ascii: "O"), reply != PlainReply.ok {
            packets += 1
            guard output.count <= PacketLink.payloadBytesMax, packets <= Self.monitorPacketsMax,
                let text = Hex.decode(reply.dropFirst())
            else { throw link.lose("\(peerName) sends text without end or sense") }
            output += text
            reply = try link.next("the rest of the answer to \"\(text)\"")
        }
        if reply == PlainReply.ok { return String(decoding: output, as: UTF8.self) }
        if let bytes = Hex.decode(reply), !reply.isEmpty {
            return String(decoding: output + bytes, as: UTF8.self)
        }
        throw failure(reply, "monitor \(text)", reply.isEmpty ? .unsupported : .invalid)
    }
}
