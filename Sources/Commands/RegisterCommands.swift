internal import DebugEngine
internal import DebugTarget
internal import Disassembly

let registerCommands: [Command] = [
    Command(
        names: ["r"],
        usage: "r [Register [= Value]] [, Register ...], r.",
        summary: "show or change registers",
        details: """
            Without a name: the general registers and where the thread stands. r rax shows one,
            r rax, rbx several, r rax=5 changes one. r $t0=5 sets a pseudo-register. rX shows the
            SSE registers, rY the AVX ones, rF the x87 ones. r. shows the registers that the current
            instruction names. r $.u0=Text sets the fixed alias $u0. rm sets what r without a name shows.
            """,
        run: { try showRegisters(&$0) }
    ),
    Command(
        names: ["rX", "rY", "rZ", "rF", "rM"],
        usage: "rX, rY, rZ, rF, rM Mask",
        summary: "show vector (rX, rY, rZ), floating-point (rF) or chosen registers (rM)",
        run: { try showRegisterClass(&$0) }
    ),
    Command(
        names: ["rm"],
        usage: "rm [Mask]",
        summary:
            "show or set which registers r shows: 2 general, 4 floating-point, 8 segments, 40 SSE, 200 AVX",
        run: { call in
            let session = call.session
            if !call.isAtEnd { session.registerMask = try call.expression() }
            try call.requireEnd()
            call.output.line("Register output mask is \(Format.hex(session.registerMask)):")
            for (bit, text) in registerMaskTexts where session.registerMask & bit != 0 {
                call.output.line("  \(Format.leftPad(Format.hex(bit), to: 4)) - \(text)")
            }
        }
    ),
]

private func showRegisters(_ call: inout CommandCall) throws {
    let session = call.session
    let thread = try call.prefixThread ?? call.thread()
    if call.rest.first == "." { return try showInstructionRegisters(&call, thread) }
    call.skipSpaces()
    if call.isAtEnd {
        let view = try session.registers(of: thread)
        if session.registerMask & 0xb != 0 { call.output.line(RegisterText.general(view)) }
        showClasses(session.registerMask, view, call.output)
        if session.currentThread === thread { session.showLocation() }
        return
    }
    var shown: [String] = []
    if let alias = takeFixedAlias(&call) {
        call.interpreter.aliases.fixed[alias.number] = alias.text
        return
    }
    for part in call.remainder().split(separator: ",") {
        let text = CommandText.trim(part)
        if let equals = text.firstIndex(of: "=") {
            try assign(
                CommandText.trim(text[..<equals]),
                CommandText.trim(text[text.index(after: equals)...]),
                session,
                thread
            )
        } else {
            for name in text.split(separator: " ") {
                shown.append(try registerText(String(name), session, thread))
            }
        }
    }
    if !shown.isEmpty { call.output.line(shown.joined(separator: " ")) }
}

private func plainName(_ text: String) -> String {
    String(text.drop { $0 == "@" })
}

private func registerText(
    _ text: String,
    _ session: DebugSession,
    _ thread: ThreadState
) throws -> String {
    let name = plainName(text)
    if name.hasPrefix("$") {
        guard let value = try session.pseudoRegisterValue(name) else {
            throw EngineError(.badRegister, name)
        }
        return "\(name)=\(Format.hex(value, width: 16))"
    }
    guard let line = RegisterText.single(name, try session.registers(of: thread)) else {
        throw EngineError(.badRegister, name)
    }
    return line
}

private func assign(
    _ left: String,
    _ right: String,
    _ session: DebugSession,
    _ thread: ThreadState
) throws {
    let name = plainName(left).lowercased()
    let value = try session.evaluate(right)
    if name.hasPrefix("$t"), let index = Int(name.dropFirst(2)),
        session.userRegisters.indices.contains(index)
    {
        session.userRegisters[index] = value
        return
    }
    if name == "$ip" || name == "$pc" {
        return try session.setProgramCounter(value, of: thread)
    }
    var view = try session.registers(of: thread)
    guard view.set(name, to: value) else { throw EngineError(.badRegister, left) }
    try session.store(view, of: thread)
}

private func showRegisterClass(_ call: inout CommandCall) throws {
    let view = try call.session.registers(of: try call.prefixThread ?? call.thread())
    let masks: [String: UInt64] = ["rX": 0x40, "rY": 0x200, "rZ": 0x400, "rF": 4]
    guard call.name != "rM" else {
        let mask = try call.expression()
        try call.requireEnd()
        if mask & 0xb != 0 { call.output.line(RegisterText.general(view)) }
        return showClasses(mask, view, call.output)
    }
    try call.requireEnd()
    showClasses(masks[call.name] ?? 0, view, call.output)
}

private let registerMaskTexts: [(UInt64, String)] = [
    (1, "Basic integer state"), (2, "Integer state (64-bit)"), (4, "Floating-point state"),
    (8, "Segment registers"), (0x40, "SSE registers"), (0x200, "AVX registers"),
    (0x400, "AVX-512 registers"),
]

/// The registers of the classes that a mask has, one to a line.
private func showClasses(_ mask: UInt64, _ view: RegisterView, _ output: any OutputSink) {
    var prefixes: [String] = []
    if mask & 4 != 0 { prefixes.append("st") }
    if mask & 0x40 != 0 { prefixes += ["xmm", "v"] }
    if mask & 0x200 != 0 { showHalves("ymm", "xmm", view, output) }
    if mask & 0x400 != 0 { prefixes.append("zmm") }
    let found = view.description.registers.filter { register in
        prefixes.contains { prefix in
            register.name.hasPrefix(prefix) && Int(register.name.dropFirst(prefix.count)) != nil
        }
    }
    for register in found {
        if let line = RegisterText.single(register.name, view) { output.line(line) }
    }
}

/// The AVX registers: a stub has their upper halves (`ymm0h`) apart, or whole.
private func showHalves(
    _ name: String,
    _ lower: String,
    _ view: RegisterView,
    _ output: any OutputSink
) {
    for number in 0..<32 {
        let high = view.description.register(named: "\(name)\(number)h")
        let low = view.description.register(named: "\(lower)\(number)")
        if let whole = RegisterText.single("\(name)\(number)", view) {
            output.line(whole)
        } else if let high, let low, let top = view.block.bytes(of: high),
            let bottom = view.block.bytes(of: low)
        {
            output.line("\(name)\(number)=" + Format.bytes((bottom + top).reversed()))
        }
    }
}

/// `r.`: the registers that the current instruction names.
private func showInstructionRegisters(_ call: inout CommandCall, _ thread: ThreadState) throws {
    call.rest.removeFirst()
    try call.requireEnd()
    let session = call.session
    guard let instruction = try session.instruction(of: thread) else { return }
    let view = try session.registers(of: thread)
    let words = instruction.operands.split { !$0.isLetter && !$0.isNumber }.map(String.init)
    var shown: [String] = []
    for word in words where view.exists(word) && !shown.contains(word) { shown.append(word) }
    let texts = shown.compactMap { RegisterText.single($0, view) }
    call.output.line(texts.joined(separator: " "))
}

/// `$.u0=Text`.
private func takeFixedAlias(_ call: inout CommandCall) -> (number: Int, text: String)? {
    let text = call.rest
    guard text.hasPrefix("$.u"), let digit = text.dropFirst(3).first?.wholeNumberValue,
        let equals = text.firstIndex(of: "=")
    else { return nil }
    call.rest = ""
    let value = CommandText.trim(text[text.index(after: equals)...])
    let isQuoted = value.count > 1 && value.hasPrefix("\"") && value.hasSuffix("\"")
    return (digit, isQuoted ? String(value.dropFirst().dropLast()) : value)
}
