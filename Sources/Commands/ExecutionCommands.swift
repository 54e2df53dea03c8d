internal import DebugEngine
internal import Disassembly

let executionCommands: [Command] = [
    Command(
        names: ["g"],
        usage: "g[a] [= StartAddress] [BreakAddress ...]",
        summary: "go: let the target run",
        details: """
            Runs until a breakpoint, an exception, the end of the process or Ctrl+C. Addresses are
            breakpoints for this once. A signal that stopped the target is delivered to it; gh drops it.
            """,
        run: { try go(&$0) }
    ),
    Command(
        names: ["gh", "gH"],
        usage: "gh",
        summary: "go, exception handled: the signal is not delivered",
        run: { call in
            call.session.dropPendingSignal()
            try go(&call)
        }
    ),
    Command(
        names: ["gn", "gN"],
        usage: "gn",
        summary: "go, exception not handled: the signal is delivered",
        run: { call in
            call.session.keepPendingSignal()
            try go(&call)
        }
    ),
    Command(
        names: ["gc"],
        usage: "gc",
        summary: "go from a conditional breakpoint",
        run: { try go(&$0) }
    ),
    Command(
        names: ["gu"],
        usage: "gu",
        summary: "go up: run until the current function returns",
        run: { call in
            try call.requireEnd()
            let session = call.session
            try call.interpreter.execute { try session.stepOut() }
        }
    ),
    Command(
        names: ["p", "pr"],
        usage: "p[r] [= StartAddress] [Count] [\"Command\"]",
        summary: "step over: one source line or instruction, calls run through",
        details:
            "l+t makes a step a source line, l-t an instruction. pr turns registers on and off.",
        run: { try step(&$0, over: true) }
    ),
    Command(
        names: ["t", "tr"],
        usage: "t[r] [= StartAddress] [Count] [\"Command\"]",
        summary: "trace: one source line or instruction, into calls",
        details:
            "l+t makes a step a source line, l-t an instruction. tr turns registers on and off.",
        run: { try step(&$0, over: false) }
    ),
    Command(
        names: ["pa"],
        usage: "pa StopAddress",
        summary: "step over until an address is reached",
        run: { try stepToAddress(&$0, over: true) }
    ),
    Command(
        names: ["ta"],
        usage: "ta StopAddress",
        summary: "trace until an address is reached",
        run: { try stepToAddress(&$0, over: false) }
    ),
    Command(
        names: ["pc", "tc"],
        usage: "pc [Count], tc [Count]",
        summary: "step or trace to the next call",
        run: { try stepUntil(&$0) { $0.isCall } }
    ),
    Command(
        names: ["pt", "tt"],
        usage: "pt [Count], tt [Count]",
        summary: "step or trace to the next return",
        run: { try stepUntil(&$0) { $0.isReturn } }
    ),
    Command(
        names: ["pct", "tct"],
        usage: "pct [Count], tct [Count]",
        summary: "step or trace to the next call or return",
        run: { try stepUntil(&$0) { $0.isCall || $0.isReturn } }
    ),
    Command(
        names: ["ph", "th", "tb"],
        usage: "ph [Count], th [Count], tb [Count]",
        summary: "step or trace to the next branching instruction",
        run: { try stepUntil(&$0) { $0.isCall || $0.isReturn || $0.isJump } }
    ),
]

/// Reads `= Address` and moves the thread there.
func takeStart(_ call: inout CommandCall) throws {
    call.skipSpaces()
    guard call.rest.first == "=" else { return }
    call.rest.removeFirst()
    let address = try call.expression()
    try call.session.setProgramCounter(address, of: try call.thread())
}

private func go(_ call: inout CommandCall) throws {
    if call.rest.first == "a" { call.rest.removeFirst() }
    try call.interpreter.startPendingProcesses()
    try takeStart(&call)
    var stops: [UInt64] = []
    while !call.isAtEnd { stops.append(try call.breakpointAddress()) }
    let session = call.session
    if call.prefixThread == nil, call.interpreter.didStartPending { return }
    _ = try call.thread()
    try withOthersFrozen(call) {
        try call.interpreter.execute { try session.go(until: stops) }
    }
}

/// With a thread prefix, only that thread runs.
private func withOthersFrozen(_ call: CommandCall, _ body: () throws -> Void) throws {
    guard let only = call.prefixThread else { return try body() }
    let others = call.session.processes.flatMap(\.threads).filter { $0 !== only && !$0.isFrozen }
    others.forEach { $0.isFrozen = true }
    defer { others.forEach { $0.isFrozen = false } }
    try body()
}

private func step(_ call: inout CommandCall, over isOver: Bool) throws {
    let session = call.session
    if call.name.hasSuffix("r") { session.showsRegisters.toggle() }
    try takeStart(&call)
    var count = 1
    call.skipSpaces()
    if !call.isAtEnd, call.rest.first != "\"" {
        count = Int(clamping: try call.expression())
    }
    let command = try call.quoted()
    try call.requireEnd()
    _ = try call.thread()
    let interpreter = call.interpreter
    try withOthersFrozen(call) {
        for _ in 0..<count {
            var isDone = false
            try interpreter.execute(registers: session.showsRegisters) {
                let report = try session.step(over: isOver)
                isDone = !report.isGoal
                return report
            }
            if isDone || session.currentThread == nil { return }
            if let command { try interpreter.run(command) }
            try call.checkInterrupt()
        }
    }
}

private func stepToAddress(_ call: inout CommandCall, over isOver: Bool) throws {
    let address = try call.expression()
    try call.requireEnd()
    let session = call.session
    let thread = try call.thread()
    try call.interpreter.execute(registers: session.showsRegisters) {
        while true {
            let report = try session.stepInstruction(over: isOver)
            if !report.isGoal { return report }
            if try session.programCounter(of: thread) == address { return report }
        }
    }
}

private func stepUntil(
    _ call: inout CommandCall,
    _ isWanted: @escaping @Sendable (Instruction) -> Bool
) throws {
    let isOver = call.name.hasPrefix("p")
    let count = call.isAtEnd ? 1 : Int(clamping: try call.expression())
    try call.requireEnd()
    let session = call.session
    let thread = try call.thread()
    try call.interpreter.execute(registers: session.showsRegisters) {
        var left = count
        while true {
            let report = try session.stepInstruction(over: isOver)
            if !report.isGoal { return report }
            if let instruction = try session.instruction(of: thread), isWanted(instruction) {
                left -= 1
            }
            if left <= 0 { return report }
        }
    }
}
