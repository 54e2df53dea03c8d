internal import DebugEngine
internal import DebugTarget

let registerCommands: [Command] = [
    Command(
        names: ["r"],
        usage: "r [Register[:] [= Value]] [, Register ...]",
        summary: "show or change registers",
        details: """
            Without a name: the general registers and where the thread stands. r rax shows one,
            r rax, rbx several, r rax=5 changes one. r $t0=5 sets a pseudo-register. rX shows the
            SSE registers, rF the x87 ones.
            """,
        run: { try showRegisters(&$0) }
    ),
    Command(
        names: ["rX", "rF"],
        usage: "rX, rF",
        summary: "show vector (rX) or floating-point (rF) registers",
        run: { try showRegisterClass(&$0) }
    ),
]

private func showRegisters(_ call: inout CommandCall) throws {
    let session = call.session
    let thread = try call.prefixThread ?? call.thread()
    call.skipSpaces()
    if call.isAtEnd {
        call.output.line(try RegisterText.general(session.registers(of: thread)))
        if session.currentThread === thread { session.showLocation() }
        return
    }
    var shown: [String] = []
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
    try call.requireEnd()
    let view = try call.session.registers(of: try call.thread())
    let prefixes = call.name == "rX" ? ["xmm", "v"] : ["st"]
    let found = view.description.registers.filter { register in
        prefixes.contains { prefix in
            register.name.hasPrefix(prefix) && Int(register.name.dropFirst(prefix.count)) != nil
        }
    }
    for register in found {
        if let line = RegisterText.single(register.name, view) { call.output.line(line) }
    }
}
