internal import DebugEngine
internal import DebugTarget

let eventCommands: [Command] = [
    Command(
        names: ["sx"],
        usage: "sx, sx- [-c \"Commands\"] Event",
        summary: "list what is done with events and signals; sx- changes an event's commands alone",
        details: eventHelp,
        run: { call in
            if call.rest.first == "-" {
                call.rest.removeFirst()
                return try changeFilter(&call, nil)
            }
            try call.requireEnd()
            filterLines(call.session.filters).forEach { call.output.line($0) }
        }
    ),
    Command(
        names: ["sxe"],
        usage: "sxe [-c \"Commands\"] [-c2 \"Commands\"] [-h] Event",
        summary: "stop at an event or signal",
        details: eventHelp,
        run: { try changeFilter(&$0, .stop) }
    ),
    Command(
        names: ["sxd"],
        usage: "sxd [-c2 \"Commands\"] [-h] Event",
        summary: "stop at a signal only when the program would die of it",
        details: eventHelp,
        run: { try changeFilter(&$0, .secondChance) }
    ),
    Command(
        names: ["sxn"],
        usage: "sxn [-h] Event",
        summary: "print a line at an event or signal, without a stop",
        details: eventHelp,
        run: { try changeFilter(&$0, .output) }
    ),
    Command(
        names: ["sxi"],
        usage: "sxi [-h] Event",
        summary: "ignore an event or signal",
        details: eventHelp,
        run: { try changeFilter(&$0, .ignore) }
    ),
    Command(
        names: ["sxr"],
        usage: "sxr",
        summary: "do with events and signals as at the start",
        run: { call in
            try call.requireEnd()
            call.session.filters.reset()
            call.output.line("sx state reset to defaults")
        }
    ),
    Command(
        names: [".lastevent"],
        usage: ".lastevent",
        summary: "show the last event",
        run: { call in
            try call.requireEnd()
            guard let event = call.session.lastEvent else {
                return call.output.line("Last event: <no event>")
            }
            call.output.line("Last event: \(event.place): \(event.text)")
            call.output.line("  debugger time: \(call.interpreter.environment.timeText)")
        }
    ),
    Command(
        names: [".eventlog"],
        usage: ".eventlog",
        summary: "list the last events",
        run: { call in
            try call.requireEnd()
            for event in call.session.events { call.output.line("\(event.place): \(event.text)") }
            guard let last = call.session.events.last else { return }
            call.output.line("Last event: \(last.place): \(last.text)")
        }
    ),
]

private let eventHelp = """
    Events: ct et (threads), cpr epr (processes), exec, ld[:Module] ud[:Module], sys[:Name,...] (system
    calls), out, ibp. Signals: av (SIGSEGV), abrt, bpe (SIGTRAP), cce (SIGINT), dz (SIGFPE), ii (SIGILL),
    ip (SIGBUS), isc (SIGSYS), usr1, SIGUSR1 or the number 0n10; * are those without a filter of their own.
    -c sets the commands of a stop, -c2 those of the second chance, -h whether g keeps the signal from the
    program (sxe -h: handled) or delivers it (sxd -h, sxn -h, sxi -h: not handled).
    """

/// Names of the original's that nothing on Linux corresponds to; scripts may have them.
private let foreignEvents: Set<String> = [
    "ser", "iml", "aph", "clr", "clrn", "dbce", "ch", "hc", "lsq", "3c", "svh", "sse", "ssec", "vs",
    "vcpp", "wkd", "rto", "rtt", "wob", "wos", "bpec",
]

private func changeFilter(_ call: inout CommandCall, _ reaction: EventFilter.Reaction?) throws {
    var command: String?
    var secondCommand: String?
    var changesHandling = false
    call.skipSpaces()
    while call.rest.first == "-", let option = call.word() {
        switch option {
        case "-c": command = try call.quoted()
        case "-c2": secondCommand = try call.quoted()
        case "-h": changesHandling = true
        default: throw EngineError(.syntax, option)
        }
        call.skipSpaces()
    }
    guard let word = call.word() else { throw EngineError(.operand, "") }
    try call.requireEnd()
    let parts = word.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts[0])
    if foreignEvents.contains(name.lowercased()) {
        return call.output.line("\(name) does not happen on Linux; nothing is changed", .warning)
    }
    let session = call.session
    var filters = session.filters
    guard let index = try filterIndex(name, &filters, session) else {
        throw EngineError.sentence("There is no event \(name); sx lists them")
    }
    var filter = filters[index]
    // These say by their names that it is the handling that is meant.
    let isHandlingName = ["cc", "hc", "bpec", "ssec"].contains(name.lowercased())
    if let reaction, changesHandling || isHandlingName {
        filter.isHandled = reaction == .stop
    } else if let reaction {
        filter.reaction = reaction
        filter.argument = parts.count > 1 ? String(parts[1]) : ""
    }
    if let command { filter.command = command.isEmpty ? nil : command }
    if let secondCommand { filter.secondCommand = secondCommand.isEmpty ? nil : secondCommand }
    try check(filter, session)
    filters[index] = filter
    session.filters = filters
}

private func filterIndex(
    _ name: String,
    _ filters: inout EventFilters,
    _ session: DebugSession
) throws -> Int? {
    if let index = filters.index(named: name) { return index }
    guard name.first?.isNumber == true else { return nil }
    let number = try session.evaluate(name)
    guard (1...64).contains(number) else { return nil }
    return filters.index(ofSignal: Int32(number))
}

private func check(_ filter: EventFilter, _ session: DebugSession) throws {
    guard filter.reaction != .ignore else { return }
    switch filter.subject {
    case .systemCall where session.target.systemCallCatching == nil:
        throw EngineError.sentence("This target cannot stop at system calls")
    case .createThread, .exitThread:
        guard session.target.eventSelection == nil else { return }
        throw EngineError.sentence("This target does not tell of threads that begin and end")
    default: break
    }
}

private func filterLines(_ filters: EventFilters) -> [String] {
    var lines: [String] = []
    var wasSignal = false
    for filter in filters.all {
        if filter.isSignal != wasSignal || filter.subject == .otherSignals { lines.append("") }
        wasSignal = filter.isSignal
        var line =
            "\(Format.leftPad(filter.code, to: 4)) - \(filter.text) - \(filter.reaction.rawValue)"
        if filter.isSignal { line += filter.isHandled ? " - handled" : " - not handled" }
        lines.append(line)
        if !filter.argument.isEmpty {
            lines.append("       (only \(filter.reaction.rawValue) for \(filter.argument))")
        }
        if let command = filter.command { lines.append("       Command: \"\(command)\"") }
        if let command = filter.secondCommand {
            lines.append("       Second command: \"\(command)\"")
        }
    }
    return lines
}
