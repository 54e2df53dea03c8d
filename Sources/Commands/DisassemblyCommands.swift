internal import DebugEngine
internal import DebugTarget
internal import Disassembly
internal import Symbols

let disassemblyCommands: [Command] = [
    Command(
        names: ["u", "uu"],
        usage: "u[u] [Range]",
        summary:
            "unassemble; without a length 8 instructions, without an address where the last one ended",
        details: "uu goes on behind memory that cannot be read, byte by byte.",
        run: { try unassemble(&$0) }
    ),
    Command(
        names: ["ub"],
        usage: "ub [Address] [L Count]",
        summary: "unassemble backwards: the instructions before an address",
        run: { try unassembleBefore(&$0) }
    ),
    Command(
        names: ["uf"],
        usage: "uf [/c] [/i] [/m] [/D] [/o] [/O] [Address]",
        summary:
            "unassemble a whole function; /c only its calls, /i with the number of instructions",
        run: { try unassembleFunction(&$0) }
    ),
]

private let defaultInstructionCount = 8
/// The most instructions `ub` looks for; they are all decoded before the first is printed.
private let instructionsBeforeMax = 4096

private func unassemble(_ call: inout CommandCall) throws {
    _ = try call.process()
    let interpreter = call.interpreter
    var start: UInt64
    var count = defaultInstructionCount
    var end: UInt64?
    if call.isAtEnd {
        start = try interpreter.nextDisassembly ?? call.session.evaluate("$ip")
    } else {
        let range = try AddressRange(&call, size: 1, defaultCount: defaultInstructionCount)
        start = range.start
        count = range.count
        // Start End: instructions up to that address.
        if range.isExplicit, !range.hasLength { end = start &+ UInt64(count) }
        try call.requireEnd()
    }
    interpreter.repeatText = call.name
    let limit = end == nil ? count : .max
    interpreter.nextDisassembly = try list(call, from: &start, count: limit, end: end)
}

/// Prints instructions under headers wherever a symbol begins, and gives the address behind them.
private func list(
    _ call: CommandCall,
    from start: inout UInt64,
    count: Int,
    end: UInt64?
) throws -> UInt64 {
    let session = call.session
    let process = try call.process()
    var left = count
    var isFirst = true
    while left > 0 {
        if let end, start >= end { break }
        try call.checkInterrupt()
        let wanted = min(left, 16)
        let instructions = try session.instructions(at: start, maximum: wanted, in: process)
        guard !instructions.isEmpty else {
            if isFirst { call.output.line(session.codeHeader(start, in: process)) }
            call.output.line("\(Format.address(start)) ??              ???")
            if call.name == "uu" {
                (isFirst, start, left) = (false, start &+ 1, left - 1)
                continue
            }
            call.output.line(
                "                ^ Memory access error in 'u \(Format.address(start))'",
                .error
            )
            break
        }
        for instruction in instructions {
            if let end, instruction.address.rawValue >= end { return start }
            let address = instruction.address.rawValue
            let isSymbolStart = session.symbolicAddress(address, in: process)?.offset == 0
            if isFirst || isSymbolStart {
                call.output.line(session.codeHeader(address, in: process))
                isFirst = false
            }
            call.output.line(session.instructionText(instruction, in: process))
            start = instruction.next.rawValue
            left -= 1
        }
    }
    return start
}

private func unassembleBefore(_ call: inout CommandCall) throws {
    let process = try call.process()
    var end = call.interpreter.nextDisassembly
    var count = defaultInstructionCount
    if !call.isAtEnd {
        let range = try AddressRange(&call, size: 1, defaultCount: defaultInstructionCount)
        (end, count) = (range.start, range.count)
        try call.requireEnd()
    }
    guard count <= instructionsBeforeMax else {
        throw EngineError(.range, "L\(Format.hex(UInt64(count)))")
    }
    let limit = try end ?? call.session.evaluate("$ip")
    let found = try instructions(before: limit, count: count, call.session, process)
    guard let first = found.first else {
        throw EngineError(.memoryAccess, Format.address(limit))
    }
    call.output.line(call.session.codeHeader(first.address.rawValue, in: process))
    found.forEach { call.output.line(call.session.instructionText($0, in: process)) }
    call.interpreter.nextDisassembly = first.address.rawValue
}

/// The last instructions before an address: from the start of its function, or from a place from
/// which the instructions happen to end at the address.
private func instructions(
    before end: UInt64,
    count: Int,
    _ session: DebugSession,
    _ process: ProcessState
) throws -> [Instruction] {
    var starts: [UInt64] = []
    if let place = session.symbolicAddress(end &- 1, in: process), place.symbol != nil,
        place.offset < 65_536
    {
        starts.append(end &- 1 &- place.offset)
    }
    starts += (0..<16).map { end &- UInt64(count * 8 + 16) &+ UInt64($0) }
    for start in starts {
        let maximum = Int(clamping: end &- start)
        let all = try session.instructions(at: start, maximum: maximum, in: process)
        let before = all.prefix { $0.address.rawValue < end }
        if let last = before.last, last.next.rawValue == end, last.mnemonic != "???" {
            return Array(before.suffix(count))
        }
    }
    return []
}

private func unassembleFunction(_ call: inout CommandCall) throws {
    let process = try call.process()
    var options: Set<String> = []
    call.skipSpaces()
    while call.rest.first == "/", let option = call.word() {
        guard ["/c", "/D", "/i", "/m", "/o", "/O"].contains(option) else {
            throw EngineError(.syntax, option)
        }
        options.insert(option)
        call.skipSpaces()
    }
    let address = call.isAtEnd ? try call.session.evaluate("$ip") : try call.expression()
    try call.requireEnd()
    guard let module = call.session.module(containing: address, in: process),
        let symbol = call.session.symbols(of: module, in: process)?
            .symbol(containing: address &- module.bias)
    else {
        throw EngineError.sentence("No code found at \(Format.address(address))")
    }
    var start = symbol.address &+ module.bias
    let end = start &+ max(symbol.size, 1)
    if options.contains("/c") || options.contains("/D") {
        return try listCalls(call, process, start..<end)
    }
    if options.contains("/i") {
        let all = try instructions(of: start..<end, call, process)
        call.output.line("\(all.count) instructions scanned")
        call.output.line()
    }
    _ = try list(call, from: &start, count: .max, end: end)
}

private func instructions(
    of range: Range<UInt64>,
    _ call: CommandCall,
    _ process: ProcessState
) throws -> [Instruction] {
    let bytes = Int(clamping: range.upperBound - range.lowerBound)
    return try call.session.instructions(at: range.lowerBound, maximum: bytes, in: process)
        .filter { $0.address.rawValue < range.upperBound }
}

/// `uf /c`: the calls of a function, each with what it calls.
private func listCalls(
    _ call: CommandCall,
    _ process: ProcessState,
    _ range: Range<UInt64>
) throws {
    let session = call.session
    let name = session.symbolicAddress(range.lowerBound, in: process)?.text ?? ""
    call.output.line("\(name) (\(Format.address(range.lowerBound)))")
    for instruction in try instructions(of: range, call, process) where instruction.isCall {
        try call.checkInterrupt()
        let place = session.symbolicAddress(instruction.address.rawValue, in: process)?.text ?? ""
        call.output.line("  \(place) (\(Format.address(instruction.address))):")
        if let goal = instruction.branchTarget?.rawValue {
            let callee = session.symbolicAddress(goal, in: process)?.text ?? "unknown"
            call.output.line("    call to \(callee) (\(Format.address(goal)))")
        } else {
            call.output.line("    call through \(instruction.operands)")
        }
    }
}
