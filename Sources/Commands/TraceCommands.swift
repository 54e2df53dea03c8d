internal import DebugEngine
internal import DebugTarget
internal import Disassembly

let traceCommands: [Command] = [
    Command(
        names: ["wt"],
        usage: "wt [-l Depth] [-m Module] [-i Module] [-nc] [-ns] [= StartAddress] [EndAddress]",
        summary: "trace and watch: run the current function and tell what it called",
        details: """
            Each line has the instructions of a call so far, those of the calls below it, and its depth.
            -l runs through calls deeper than that, -m traces only that module (again for more), -i leaves
            a module out, -nc shows no calls, -ns no summary. Ctrl+C ends it.
            """,
        run: { try watchTrace(&$0) }
    )
]

/// What was counted of one function.
private struct FunctionCount {
    var invocations = 0
    var least = Int.max
    var most = 0
    var total = 0

    mutating func add(_ count: Int) {
        invocations += 1
        least = min(least, count)
        most = max(most, count)
        total += count
    }
}

/// A call being traced.
private struct TracedCall {
    var name: String
    var own = 0
    var below = 0
}

/// The options and the counts of one `wt`.
private struct WatchTrace {
    /// How deep calls are traced; what lies below is run through.
    static let depthMax = 256

    var depthLimit = WatchTrace.depthMax
    var onlyModules: [String] = []
    var ignoredModules: [String] = []
    var showsCalls = true
    var showsSummary = true
    var end: UInt64?
    var calls: [TracedCall] = []
    var counts: [String: FunctionCount] = [:]
    var steps = 0
    var systemCalls = 0

    /// Whether code of a module is traced.
    func traces(_ module: Module?) -> Bool {
        guard let module else { return false }
        if ignoredModules.contains(where: { module.isNamed($0) }) { return false }
        return onlyModules.isEmpty || onlyModules.contains { module.isNamed($0) }
    }

    func line(_ depth: Int) -> String {
        let call = calls[depth]
        return Format.leftPad(String(call.own), to: 5) + " "
            + Format.leftPad(String(call.below), to: 5)
            + " [" + Format.leftPad(String(depth), to: 3) + "] "
            + String(repeating: "  ", count: depth) + call.name
    }

    /// Ends the innermost call and adds its instructions to its caller's.
    mutating func leave() {
        let call = calls.removeLast()
        counts[call.name, default: FunctionCount()].add(call.own)
        if !calls.isEmpty { calls[calls.count - 1].below += call.own + call.below }
    }

    func summary() -> [String] {
        let total = counts.values.reduce(0) { $0 + $1.total }
        var lines = [
            "", "\(total) instructions were executed in \(steps) events (0 from other threads)", "",
            Format.pad("Function Name", to: 44) + "Invocations MinInst MaxInst AvgInst",
        ]
        for (name, count) in counts.sorted(by: { $0.key < $1.key }) {
            lines.append(
                Format.pad(name, to: 44) + Format.leftPad(String(count.invocations), to: 11)
                    + Format.leftPad(String(count.least), to: 8)
                    + Format.leftPad(String(count.most), to: 8)
                    + Format.leftPad(String(count.total / max(count.invocations, 1)), to: 8)
            )
        }
        return lines + ["", "\(systemCalls) system calls were executed", ""]
    }
}

private func takeOptions(_ call: inout CommandCall) throws -> WatchTrace {
    var trace = WatchTrace()
    call.skipSpaces()
    while call.rest.first == "-", let option = call.word() {
        switch option {
        case "-l": trace.depthLimit = min(Int(clamping: try call.expression()), WatchTrace.depthMax)
        case "-m": trace.onlyModules.append(call.word() ?? "")
        case "-i": trace.ignoredModules.append(call.word() ?? "")
        case "-nc": trace.showsCalls = false
        case "-ns": trace.showsSummary = false
        case "-oa", "-or", "-oR", "-nw": break
        default: throw EngineError(.syntax, option)
        }
        call.skipSpaces()
    }
    try takeStart(&call)
    if !call.isAtEnd { trace.end = try call.expression() }
    try call.requireEnd()
    return trace
}

private func watchTrace(_ call: inout CommandCall) throws {
    var trace = try takeOptions(&call)
    let session = call.session
    let thread = try call.thread()
    let output = call.output
    trace.calls = [TracedCall(name: functionName(session, thread))]
    if trace.showsCalls {
        output.line(
            "Tracing \(trace.calls[0].name) to return address \(returnText(session, thread))"
        )
    }
    try call.interpreter.execute(registers: session.showsRegisters) {
        while let instruction = try session.instruction(of: thread) {
            if trace.end == instruction.address.rawValue { break }
            let report = try trace.step(instruction, session, thread)
            guard report.isGoal else {
                // What stops in between ends the trace and is shown.
                trace.finish(output)
                return report
            }
            try trace.follow(instruction, session, thread, output)
            if trace.calls.isEmpty { break }
        }
        trace.finish(output)
        return StopReport()
    }
}

private func functionName(_ session: DebugSession, _ thread: ThreadState) -> String {
    guard let pc = try? session.programCounter(of: thread),
        let process = session.process(of: thread)
    else { return "?" }
    guard let place = session.symbolicAddress(pc, in: process) else { return Format.address(pc) }
    return place.symbol.map { "\(place.module)!\($0)" } ?? place.module
}

private func returnText(_ session: DebugSession, _ thread: ThreadState) -> String {
    let frames = try? session.stack(of: thread, maximum: 1)
    return Format.address(frames?.first?.returnAddress ?? 0)
}

extension WatchTrace {
    /// Executes one instruction; a call that is not to be traced is run through.
    fileprivate mutating func step(
        _ instruction: Instruction,
        _ session: DebugSession,
        _ thread: ThreadState
    ) throws -> StopReport {
        steps += 1
        calls[calls.count - 1].own += 1
        if instruction.mnemonic.hasPrefix("syscall") { systemCalls += 1 }
        guard instruction.isCall, let process = session.process(of: thread) else {
            return try session.stepInstruction(over: false)
        }
        let goal = instruction.branchTarget.map(\.rawValue)
        let isTraced = goal.map { traces(session.module(containing: $0, in: process)) } ?? true
        let isOver = calls.count > depthLimit || !isTraced
        return try session.stepInstruction(over: isOver)
    }

    /// Keeps the calls in step with where the thread has come.
    fileprivate mutating func follow(
        _ instruction: Instruction,
        _ session: DebugSession,
        _ thread: ThreadState,
        _ output: any OutputSink
    ) throws {
        let pc = try session.programCounter(of: thread)
        if instruction.isReturn {
            if showsCalls { output.line(line(calls.count - 1)) }
            return leave()
        }
        if instruction.isCall, pc != instruction.next.rawValue {
            if showsCalls { output.line(line(calls.count - 1)) }
            calls.append(TracedCall(name: functionName(session, thread)))
        } else if instruction.isJump {
            // Out of a linkage stub, or into the last call of a function.
            let name = functionName(session, thread)
            guard name != calls[calls.count - 1].name else { return }
            if showsCalls { output.line(line(calls.count - 1)) }
            let below = calls[calls.count - 1].own + calls[calls.count - 1].below
            let isOutermost = calls.count == 1
            leave()
            calls.append(TracedCall(name: name, own: 0, below: isOutermost ? below : 0))
        }
    }

    fileprivate mutating func finish(_ output: any OutputSink) {
        while !calls.isEmpty {
            if showsCalls { output.line(line(calls.count - 1)) }
            leave()
        }
        if showsSummary { summary().forEach { output.line($0) } }
    }
}
