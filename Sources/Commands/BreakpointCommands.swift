internal import DebugEngine
internal import DebugTarget
internal import Symbols

let breakpointCommands: [Command] = [
    Command(
        names: ["bp"],
        usage:
            "[~Thread] bp[ID] [/1] [/c n|/C n] [/w \"Condition\"] [Address [Passes]] [\"Commands\"]",
        summary: "set a breakpoint",
        details: """
            An address may be a function, module!function, `file.c:12` or any expression. A function
            means the place behind its prologue, where parameters can be read; name+0 means its first
            instruction. What cannot be found yet waits for a module that has it. /1 removes it after its
            first stop, /c n lets it count only where the stack is at most n frames deep, /C n at least n.
            A condition of registers, memory, numbers and symbols is judged by the target itself, where
            that can: then a stop that does not count costs no round trip.
            """,
        run: { try setBreakpoint(&$0, isDeferred: false) }
    ),
    Command(
        names: ["bu"],
        usage: "bu[ID] [/1] [/c n|/C n] [/w \"Condition\"] [Address [Passes]] [\"Commands\"]",
        summary: "set a breakpoint whose location is looked up whenever modules come",
        run: { try setBreakpoint(&$0, isDeferred: true) }
    ),
    Command(
        names: ["bm"],
        usage: "bm [/1] [/a] [/d] [/c n|/C n] [/w \"Condition\"] Pattern [Passes] [\"Commands\"]",
        summary: "set breakpoints on all functions that match a pattern",
        details: """
            /d makes them wait for modules, /a takes symbols that are no functions too. A pattern has * and
            ?, as in x: bm mod!get*.
            """,
        run: { try setMatching(&$0) }
    ),
    Command(
        names: ["ba"],
        usage: "ba[ID] {e|r|w} Size [/1] [/w \"Condition\"] Address [Passes] [\"Commands\"]",
        summary: "break on access: e execute, r read or write, w write",
        details: "Size is 1, 2, 4 or 8 bytes (1 for e); the address must be a multiple of it.",
        run: { try setAccess(&$0) }
    ),
    Command(
        names: ["bl"],
        usage: "bl [/L] [IDs]",
        summary: "list breakpoints",
        run: { try listBreakpoints(&$0) }
    ),
    Command(
        names: ["bc"],
        usage: "bc IDs | *",
        summary: "clear breakpoints",
        run: { call in
            for id in try call.breakpointIDs() { call.session.breakpoints[id] = nil }
        }
    ),
    Command(
        names: ["bd"],
        usage: "bd IDs | *",
        summary: "disable breakpoints",
        run: { call in
            for id in try call.breakpointIDs() { call.session.breakpoints[id]?.isEnabled = false }
        }
    ),
    Command(
        names: ["be"],
        usage: "be IDs | *",
        summary: "enable breakpoints",
        run: { call in
            for id in try call.breakpointIDs() { call.session.breakpoints[id]?.isEnabled = true }
        }
    ),
    Command(
        names: [".bpcmds"],
        usage: ".bpcmds",
        summary: "print the commands that set the breakpoints",
        run: { call in
            for breakpoint in call.session.breakpoints.all {
                call.output.line(breakpointCommandText(breakpoint))
            }
        }
    ),
]

extension CommandCall {
    /// A location: an expression, where a plain function means the place behind its prologue.
    mutating func breakpointAddress() throws -> UInt64 {
        let text = try locationText()
        var probe = LogicalBreakpoint(id: -1, kind: .code, expression: text, isDeferred: false)
        probe.sites = try session.sites(of: text, kind: .code)
        guard let site = probe.sites.first else { throw EngineError(.unresolved, text) }
        return site.address
    }

    /// The text of the expression that comes next, without evaluating what may not exist yet.
    mutating func locationText() throws -> String {
        skipSpaces()
        do {
            let (_, left) = try session.evaluatePrefix(rest)
            let text = CommandText.trim(rest.dropLast(left.count))
            rest = left
            return text
        } catch let error as EngineError where error.kind == .unresolved {
            guard rest.first != "\"", let word = locationWord() else { throw error }
            return word
        }
    }

    /// A location that cannot be evaluated: up to a space, a whole source line in backticks.
    private mutating func locationWord() -> String? {
        guard rest.first == "`" else { return word() }
        guard let end = rest.dropFirst().firstIndex(of: "`") else { return nil }
        let text = String(rest[...end])
        rest = String(rest[rest.index(after: end)...])
        return text
    }

    /// Numbers by space, comma or range, or `*`.
    mutating func breakpointIDs() throws -> [Int] {
        let all = session.breakpoints.all.map(\.id)
        var ids: [Int] = []
        guard !isAtEnd else { throw EngineError(.operand, "") }
        for part in remainder().split(whereSeparator: { $0 == " " || $0 == "," }) {
            if part == "*" { return all }
            let bounds = part.split(separator: "-").map { Int($0) }
            guard let low = bounds.first ?? nil, let high = bounds.last ?? nil, low <= high,
                bounds.count <= 2
            else { throw EngineError(.syntax, String(part)) }
            let found = all.filter { (low...high).contains($0) }
            if found.isEmpty { throw EngineError.sentence("Breakpoint \(part) does not exist") }
            ids += found
        }
        return ids
    }

    /// `/1`, `/w "…"`, `/p`, `/c n` before the address.
    mutating func takeBreakpointOptions(_ breakpoint: inout LogicalBreakpoint) throws {
        skipSpaces()
        while rest.first == "/" {
            guard let option = word() else { return }
            switch option {
            case "/1": breakpoint.isOneShot = true
            case "/c", "/C":
                let limit = Int(clamping: try expression())
                breakpoint.depth = (option == "/c", min(limit, DebugSession.framesMax))
            case "/w":
                guard let condition = try quoted() else { throw EngineError(.syntax, rest) }
                breakpoint.condition = condition
            default: throw EngineError(.syntax, option)
            }
            skipSpaces()
        }
    }

    /// Passes and the quoted command behind the address.
    mutating func takePassesAndCommand(_ breakpoint: inout LogicalBreakpoint) throws {
        skipSpaces()
        if !isAtEnd, rest.first != "\"" {
            breakpoint.passes = max(1, Int(clamping: try expression()))
            breakpoint.passesLeft = breakpoint.passes
        }
        breakpoint.command = try quoted()
        try requireEnd()
    }

    /// A number glued to the name, `bp3`.
    mutating func takeGluedID() throws -> Int? {
        let digits = rest.prefix { $0.isNumber }
        guard !digits.isEmpty, let id = Int(digits), id <= BreakpointTable.idMax else {
            return nil
        }
        rest = String(rest.dropFirst(digits.count))
        return id
    }
}

private func setBreakpoint(_ call: inout CommandCall, isDeferred: Bool) throws {
    _ = try call.process()
    let wanted = try call.takeGluedID()
    let id = wanted ?? call.session.breakpoints.nextID
    var breakpoint = LogicalBreakpoint(
        id: id,
        kind: .code,
        expression: "",
        isDeferred: isDeferred
    )
    breakpoint.thread = call.prefixThread?.number
    try call.takeBreakpointOptions(&breakpoint)
    breakpoint.expression = call.isAtEnd ? "$ip" : try call.locationText()
    if breakpoint.expression == "$ip" || breakpoint.expression == "." {
        breakpoint.expression = "0x" + Format.hex(try call.session.evaluate("$ip"))
    }
    try call.takePassesAndCommand(&breakpoint)
    try install(breakpoint, call)
}

private func install(_ breakpoint: LogicalBreakpoint, _ call: CommandCall) throws {
    let isRedefined = call.session.breakpoints[breakpoint.id] != nil
    let isFound = try call.session.set(breakpoint)
    if isRedefined { call.output.line("breakpoint \(breakpoint.id) redefined") }
    if !isFound, !breakpoint.isDeferred {
        call.output.line(
            "Bp expression '\(breakpoint.expression)' could not be resolved, adding deferred bp"
        )
    }
}

private func setMatching(_ call: inout CommandCall) throws {
    let process = try call.process()
    var model = LogicalBreakpoint(id: 0, kind: .code, expression: "", isDeferred: false)
    model.thread = call.prefixThread?.number
    var takesAll = false
    while true {
        if call.take("/a") {
            takesAll = true
        } else if call.take("/d") {
            model.isDeferred = true
        } else if !call.take("/(") {
            break
        }
    }
    try call.takeBreakpointOptions(&model)
    guard let pattern = call.word() else { throw EngineError(.operand, "") }
    try call.takePassesAndCommand(&model)
    let found = call.session.symbols(matching: pattern, in: process)
        .filter { takesAll || $0.symbol.kind == .function }
    if found.isEmpty { throw EngineError(.unresolved, pattern) }
    for symbol in found {
        model.id = call.session.breakpoints.nextID
        model.expression = "\(symbol.module.name)!\(symbol.symbol.name)"
        try call.session.set(model)
        guard let site = call.session.breakpoints[model.id]?.sites.first else { continue }
        let number = Format.leftPad(String(model.id), to: 3)
        call.output.line("\(number): \(Format.address(site.address)) \(model.expression)")
        try call.checkInterrupt()
    }
}

private func setAccess(_ call: inout CommandCall) throws {
    _ = try call.process()
    let id = try call.takeGluedID() ?? call.session.breakpoints.nextID
    guard let letters = call.word(), let letter = letters.first else {
        throw EngineError(.operand, "")
    }
    call.rest = letters.dropFirst() + " " + call.rest
    let size = try call.expression()
    guard [1, 2, 4, 8].contains(size) else {
        throw EngineError.sentence("The size of a data breakpoint is 1, 2, 4 or 8")
    }
    let kind = try accessKind(letter, Int(size))
    var breakpoint = LogicalBreakpoint(id: id, kind: kind, expression: "", isDeferred: false)
    breakpoint.thread = call.prefixThread?.number
    try call.takeBreakpointOptions(&breakpoint)
    breakpoint.expression = try call.locationText()
    try call.takePassesAndCommand(&breakpoint)
    let sites = try call.session.sites(of: breakpoint.expression, kind: kind)
    if let misplaced = sites.first(where: { $0.address % size != 0 }) {
        throw EngineError.sentence(
            "Data breakpoint must be aligned: \(Format.address(misplaced.address))"
                + " is no multiple of \(size)"
        )
    }
    try install(breakpoint, call)
}

private func accessKind(_ letter: Character, _ size: Int) throws -> LogicalBreakpoint.Kind {
    switch letter {
    case "e":
        guard size == 1 else {
            throw EngineError.sentence("The size of an execution breakpoint is 1")
        }
        return .hardwareCode
    // x86 has no breakpoint for reads alone, in the original neither.
    case "r": return .data(.access, size: size)
    case "w": return .data(.write, size: size)
    default:
        throw EngineError.sentence("Access is e (execute), r (read or write) or w (write)")
    }
}

private func listBreakpoints(_ call: inout CommandCall) throws {
    let all = call.session.breakpoints.all
    _ = call.take("/L")
    let wanted = call.isAtEnd ? nil : Set(try call.breakpointIDs())
    for breakpoint in all where wanted?.contains(breakpoint.id) ?? true {
        if breakpoint.sites.isEmpty {
            call.output.line(breakpointLine(breakpoint, nil, call.session))
        }
        for site in breakpoint.sites {
            call.output.line(breakpointLine(breakpoint, site, call.session))
        }
        if let condition = breakpoint.condition {
            call.output.line("     Match condition: \"\(condition)\"")
        }
        if let depth = breakpoint.depth {
            let side = depth.isMaximum ? "at most" : "at least"
            call.output.line("     Call depth: \(side) \(Format.hex(UInt64(depth.limit)))")
        }
    }
}

/// ` 0 e 00000000`ff6e13c8 [simple.c @ 52]    0001 (0001)  0:**** simple!wmain`.
private func breakpointLine(
    _ breakpoint: LogicalBreakpoint,
    _ site: LogicalBreakpoint.Site?,
    _ session: DebugSession
) -> String {
    let id = Format.leftPad(String(breakpoint.id), to: 2)
    let state = (breakpoint.isEnabled ? "e" : "d") + (site == nil ? "u" : " ")
    let passes =
        Format.hex(UInt64(breakpoint.passesLeft), width: 4)
        + " (" + Format.hex(UInt64(breakpoint.passes), width: 4) + ")"
    let command = breakpoint.command.map { " \"\($0)\"" } ?? ""
    guard let site else {
        let blank = String(repeating: " ", count: 17)
        return "\(id) \(state)\(blank)     \(passes) (\(breakpoint.expression))\(command)"
    }
    let process = session.processes.first { $0.id == site.process }
    var text = "\(id) \(state)\(Format.address(site.address))"
    if case .data(let access, let size) = breakpoint.kind {
        text += " \(access == .write ? "w" : "r") \(size)"
    } else if breakpoint.kind == .hardwareCode {
        text += " e 1"
    }
    if let process { text += session.sourceSuffix(site.address, in: process) }
    let number = Format.leftPad(process.map { String($0.number) } ?? "?", to: 2)
    let thread = breakpoint.thread.map {
        "~" + Format.leftPad(String($0), to: 3, with: "0")
    }
    let name =
        process.flatMap { session.symbolicAddress(site.address, in: $0)?.text }
        ?? breakpoint.expression
    text += "    \(passes) \(number):\(thread ?? "****") \(name)\(command)"
    return text
}

private func breakpointCommandText(_ breakpoint: LogicalBreakpoint) -> String {
    var name = breakpoint.isDeferred ? "bu" : "bp"
    if case .data(let access, let size) = breakpoint.kind {
        name = "ba\(breakpoint.id) \(access == .write ? "w" : "r")\(size)"
    } else if breakpoint.kind == .hardwareCode {
        name = "ba\(breakpoint.id) e1"
    } else {
        name += "\(breakpoint.id)"
    }
    let depth = breakpoint.depth.map { depth in
        "/\(depth.isMaximum ? "c" : "C") \(Format.hex(UInt64(depth.limit))) "
    }
    let condition =
        (breakpoint.isOneShot ? "/1 " : "") + (depth ?? "")
        + (breakpoint.condition.map { "/w \"\($0)\" " } ?? "")
    let passes = breakpoint.passes > 1 ? " 0x\(Format.hex(UInt64(breakpoint.passes)))" : ""
    let place =
        breakpoint.isDeferred
        ? breakpoint.expression
        : breakpoint.sites.first.map { "0x" + Format.address($0.address) } ?? breakpoint.expression
    let command = breakpoint.command.map { " \"\($0)\"" } ?? " "
    return "\(name) \(condition)\(place)\(passes)\(command);"
}
