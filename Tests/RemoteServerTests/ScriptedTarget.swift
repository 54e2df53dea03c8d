import ByteTransport
import DebugTarget
import GDBRemoteProtocol
import RemoteServer

/// A transport in memory: the test plays the client.
final class MemoryTransport: ByteTransport {
    let descriptor: Int32 = -1
    let peerName = "memory"
    let link: LinkKind
    /// What the client has sent and the server has not read.
    var incoming: [ReadResult] = []
    /// What the server has written.
    var written: [UInt8] = []
    /// How many bytes the client takes; nil for any number.
    var room: Int?
    var isClosed = false
    /// The longest array that was behind what the server wrote, what it had written before included.
    var largestBuffer = 0

    init(link: LinkKind = .local) {
        self.link = link
    }

    func read(maximum: Int) -> ReadResult {
        incoming.isEmpty ? .wouldBlock : incoming.removeFirst()
    }

    func write(_ bytes: ArraySlice<UInt8>) -> Int? {
        largestBuffer = max(largestBuffer, bytes.endIndex)
        let taken = min(bytes.count, room ?? bytes.count)
        written += bytes.prefix(taken)
        if let room { self.room = room - taken }
        return taken
    }

    func finishWriting() {}
    func close() { isClosed = true }
}

/// A target that does what the test says and notes what it was asked for.
final class ScriptedTarget: DebugTarget, ProcessDetails, TargetFiles, EventSelection, SignalPolicy {
    var processes: [ProcessID] = []
    var launched: Set<ProcessID> = []
    var calls: [String] = []
    var events: [TargetEvent] = []
    var memory: [UInt8] = (0...255).map { UInt8($0) }
    var regions: [MemoryRegion] = []
    var failure: TargetError?
    var reportedEvents: Set<OptionalEvent> = []
    var passedSignals: Set<Signal> = []
    var hasAbilities = true
    var lastLaunch: LaunchRequest?
    let eventDescriptor: Int32 = -1

    let description = TargetDescription(
        architecture: .x86_64,
        registers: [
            ("rbp", RegisterDescription.Role.framePointer), ("rsp", .stackPointer),
            ("rip", .programCounter),
        ].enumerated().map { index, register in
            RegisterDescription(
                name: register.0,
                number: index,
                bitSize: 64,
                offset: 8 * index,
                type: "int64",
                feature: "core",
                role: register.1
            )
        }
    )
    var block = RegisterBlock(bytes: (1...24).map { UInt8($0) })

    private func check() throws(TargetError) {
        if let failure { throw failure }
    }

    func attach(to process: ProcessID) throws(TargetError) -> ThreadID {
        calls.append("attach \(process)")
        try check()
        processes.append(process)
        return ThreadID(process, Int64(process.rawValue))
    }

    func launch(_ request: LaunchRequest) throws(TargetError) -> ThreadID {
        calls.append("launch \(request.arguments)")
        lastLaunch = request
        try check()
        let process = ProcessID(500)
        processes.append(process)
        launched.insert(process)
        return ThreadID(process, 500)
    }

    func detach(from process: ProcessID) throws(TargetError) {
        calls.append("detach \(process)")
        processes.removeAll { $0 == process }
    }

    func kill(_ process: ProcessID) throws(TargetError) {
        calls.append("kill \(process)")
        processes.removeAll { $0 == process }
    }

    func threads(of process: ProcessID) throws(TargetError) -> [ThreadSummary] {
        (0..<3).map { index in
            let thread = ThreadID(process, Int64(process.rawValue) + Int64(index))
            return ThreadSummary(thread: thread, name: "t\(index)", core: index)
        }
    }

    func targetDescription(of process: ProcessID) -> TargetDescription { description }

    func registers(of thread: ThreadID) throws(TargetError) -> RegisterBlock {
        try check()
        return block
    }

    func setRegisters(_ block: RegisterBlock, of thread: ThreadID) throws(TargetError) {
        calls.append("set registers of \(thread)")
        self.block = block
    }

    func readMemory(
        at address: TargetAddress,
        count: Int,
        in process: ProcessID
    ) throws(TargetError) -> [UInt8] {
        guard address.rawValue < UInt64(memory.count) else {
            throw TargetError(.badAddress, "cannot read memory at \(address)")
        }
        return Array(memory[Int(address.rawValue)...].prefix(count))
    }

    func writeMemory(
        _ bytes: [UInt8],
        at address: TargetAddress,
        in process: ProcessID
    ) throws(TargetError) {
        calls.append("write \(bytes) at \(address)")
    }

    func insertBreakpoint(
        _ breakpoint: Breakpoint,
        in process: ProcessID
    ) throws(TargetError) {
        calls.append("insert \(breakpoint.address)")
        if case .watch(.read, _) = breakpoint.kind { throw TargetError(.unsupported, "no") }
    }

    func removeBreakpoint(_ breakpoint: Breakpoint, in process: ProcessID) {
        calls.append("remove \(breakpoint.address)")
    }

    func resume(_ actions: [ResumeAction]) throws(TargetError) {
        try check()
        resumed = actions
        calls.append("resume")
    }
    var resumed: [ResumeAction] = []

    func interrupt() throws(TargetError) { calls.append("interrupt") }

    func nextEvent() throws(TargetError) -> TargetEvent? {
        try check()
        return events.isEmpty ? nil : events.removeFirst()
    }

    var files: (any TargetFiles)? { hasAbilities ? self : nil }
    var processDetails: (any ProcessDetails)? { hasAbilities ? self : nil }
    var eventSelection: (any EventSelection)? { hasAbilities ? self : nil }
    var signalPolicy: (any SignalPolicy)? { hasAbilities ? self : nil }
    var systemCallCatching: (any SystemCallCatching)? { hasAbilities ? self : nil }
    var breakpointJudging: (any BreakpointJudging)? { hasAbilities ? self : nil }
    var nonStopControl: (any NonStopControl)? { hasAbilities ? self : nil }
    var judges: [Breakpoint: any BreakpointJudge] = [:]
    /// What was said of stops, which changes nothing of the program.
    var settings: [String] = []
    var standing: [(thread: ThreadID, reason: StopReason)] = []

    func auxiliaryVector(of process: ProcessID) throws(TargetError) -> [UInt8] { [1, 2, 3] }
    func executablePath(of process: ProcessID) throws(TargetError) -> String { executable }
    var executable = "/bin/x"
    var signalsKeptOnDetach: Set<Signal>?
    func memoryRegions(of process: ProcessID) throws(TargetError) -> [MemoryRegion] { regions }
    func modules(of process: ProcessID) throws(TargetError) -> [LoadedModule] { [] }
    func wasLaunched(_ process: ProcessID) -> Bool { launched.contains(process) }

    // Files: one file of zeros.
    func open(_ path: String, flags: OpenFlags, mode: UInt32) throws(TargetError) -> Int {
        calls.append("open \(path) flags \(flags.rawValue)")
        if path != "/zeros" { throw TargetError(.system(2), "no such file") }
        return 0
    }
    func close(_ file: Int) throws(TargetError) {}
    func read(_ file: Int, count: Int, at offset: UInt64) throws(TargetError) -> [UInt8] {
        [UInt8](repeating: 0x2a, count: count)
    }
    func write(_ bytes: [UInt8], to file: Int, at offset: UInt64) throws(TargetError) -> Int {
        calls.append("write \(bytes.count) bytes to file \(file)")
        return bytes.count
    }
    func status(of file: Int) throws(TargetError) -> FileStatus { FileStatus() }
    func status(ofPath path: String, followingLinks: Bool) throws(TargetError) -> FileStatus {
        var status = FileStatus()
        status.mode = 0o100644
        return status
    }
    func remove(_ path: String) throws(TargetError) { calls.append("unlink \(path)") }
    func linkDestination(of path: String) throws(TargetError) -> String { path }
    func useFileSystem(of process: ProcessID?) throws(TargetError) {}
}

extension ScriptedTarget: SystemCallCatching, BreakpointJudging, NonStopControl {
    func catchSystemCalls(_ selection: SystemCallSelection, in process: ProcessID) {
        settings.append("catch \(selection) in \(process)")
    }

    func setJudge(
        _ judge: (any BreakpointJudge)?,
        of breakpoint: Breakpoint,
        in process: ProcessID
    ) {
        judges[breakpoint] = judge
    }

    func setNonStop(_ isOn: Bool) { settings.append("non-stop \(isOn)") }

    func halt(_ scope: ResumeAction.Scope) { settings.append("halt \(scope)") }
}

/// A session with the test at the client's end.
final class Conversation {
    let transport: MemoryTransport
    let target = ScriptedTarget()
    let session: ServerSession
    private var parser = PacketParser(payloadBytesMax: 1 << 20, expandsRunLengths: true)
    private var seen = 0

    init(link: LinkKind = .local, policy: SessionPolicy = SessionPolicy()) {
        transport = MemoryTransport(link: link)
        session = ServerSession(transport: transport, target: target, policy: policy)
    }

    /// A session whose client is past its first packets.
    static func begun(
        features: String = "multiprocess+;swbreak+;hwbreak+;no-resumed+;error-message+",
        link: LinkKind = .local
    ) -> Conversation {
        let conversation = Conversation(link: link)
        _ = conversation.ask("qSupported:\(features)")
        _ = conversation.ask("QStartNoAckMode")
        return conversation
    }

    /// Delivers bytes as they are.
    func deliver(_ bytes: [UInt8]) {
        transport.incoming.append(.bytes(bytes))
        session.transportReady()
    }

    /// All that was written since the last look.
    func items() -> [WireItem] {
        let fresh = Array(transport.written[seen...])
        seen = transport.written.count
        parser.append(fresh)
        var items: [WireItem] = []
        while let item = parser.next() { items.append(item) }
        return items
    }

    /// The payloads written since the last look.
    func replies() -> [String] {
        items().compactMap { item in
            if case .packet(let payload) = item { return String(decoding: payload, as: UTF8.self) }
            return nil
        }
    }

    /// Sends a packet and gives the replies to it.
    func ask(_ payload: String) -> [String] {
        ask(Array(payload.utf8))
    }

    func ask(_ payload: [UInt8]) -> [String] {
        deliver(PacketEncoder.packet(payload))
        return replies()
    }

    /// Makes the target report something.
    func report(_ event: TargetEvent) -> [String] {
        target.events.append(event)
        session.targetReady()
        return replies()
    }
}
