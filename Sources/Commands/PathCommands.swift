internal import DebugEngine
internal import Symbols

let pathCommands: [Command] = [
    Command(
        names: [".sympath", ".sympath+"],
        usage: ".sympath[+] [Path[;...]]",
        summary: "show or set where symbols are looked for",
        details:
            "Folders with binaries, or laid out as /usr/lib/debug is. With + the path is added to.",
        run: { call in
            try changePath(&call, \.symbols, "Symbol search path is: ") { session in
                session.processes.flatMap(\.modules).forEach { session.forgetSymbols(of: $0) }
            }
        }
    ),
    Command(
        names: [".exepath"],
        usage: ".exepath[+] [Path[;...]]",
        summary: "show or set where binaries are looked for",
        run: { try changePath(&$0, \.images, "Executable image search path is: ") { _ in } }
    ),
    Command(
        names: [".srcpath"],
        usage: ".srcpath[+] [Path[;...]]",
        summary: "show or set where source files are looked for",
        run: { try changePath(&$0, \.sources, "Source search path is: ") { $0.forgetSources() } }
    ),
    Command(
        names: [".reload"],
        usage: ".reload [/f] [/l] [/u] [/n] [/s] [/v] [Module]",
        summary: "forget symbols so that they are loaded anew; /f at once, over a slow line too",
        details: """
            /l lists the modules instead, /u forgets symbols until they are loaded again by ld, /v says where each
            module's symbols come from; /n, /s and /user change nothing here. What was fetched stays in the cache.
            """,
        run: { try reload(&$0) }
    ),
    Command(
        names: [".symfix", ".symfix+"],
        usage: ".symfix[+] [Folder]",
        summary: "set the symbol path to the system's folder and the servers of DEBUGINFOD_URLS",
        run: { call in
            let session = call.session
            let isAddition = call.rest.first == "+" || call.name.hasSuffix("+")
            if call.rest.first == "+" { call.rest.removeFirst() }
            let folder = call.remainder()
            if !isAddition { session.paths.symbols = [] }
            if !folder.isEmpty { session.paths.symbols.append(folder) }
            session.processes.flatMap(\.modules).forEach { session.forgetSymbols(of: $0) }
            if !session.host.files.hasDebugFileServers {
                call.output.line(
                    "DEBUGINFOD_URLS names no server: only files of this machine are searched",
                    .warning
                )
            }
        }
    ),
    Command(
        names: [".symopt", ".symopt+", ".symopt-"],
        usage: ".symopt[+|-] [Flags]",
        summary: "show or change how symbols are handled",
        details: """
            10 is the only one that can be changed: line numbers, as .lines does. The others are as they are shown:
            names are demangled (2), symbols loaded when they are needed (4), and files taken only with the
            build-id of what runs (400).
            """,
        run: { try symbolOptions(&$0) }
    ),
    Command(
        names: ["ld"],
        usage: "ld Module | *",
        summary: "load the symbols of modules",
        run: { call in
            let process = try call.process()
            guard let name = call.word() else { throw EngineError(.operand, "") }
            try call.requireEnd()
            for module in call.session.modules(named: name == "*" ? nil : name, in: process) {
                if call.session.symbols(of: module, in: process) != nil {
                    call.output.line("Symbols loaded for \(module.name)")
                }
            }
        }
    ),
]

private func changePath(
    _ call: inout CommandCall,
    _ path: WritableKeyPath<SearchPaths, [String]>,
    _ label: String,
    _ changed: (DebugSession) -> Void
) throws {
    let session = call.session
    let isAddition = call.rest.first == "+" || call.name.hasSuffix("+")
    if call.rest.first == "+" { call.rest.removeFirst() }
    let text = try call.quoted() ?? call.remainder()
    if !text.isEmpty {
        let folders = SearchPaths.split(text)
        if isAddition {
            session.paths[keyPath: path] += folders
        } else {
            session.paths[keyPath: path] = folders
        }
        changed(session)
    }
    let joined = session.paths[keyPath: path].joined(separator: ";")
    call.output.line(label + joined)
    guard path == \.symbols else { return }
    let servers = session.host.files.hasDebugFileServers ? ";srv*$DEBUGINFOD_URLS" : ""
    call.output.line(
        "Expanded Symbol search path is: \(joined.lowercased())\(joined.isEmpty ? "" : ";")/usr/lib/debug\(servers)"
    )
}

private func symbolOptions(_ call: inout CommandCall) throws {
    let session = call.session
    var sign = call.name.last
    if let next = call.rest.first, next == "+" || next == "-" {
        sign = next
        call.rest.removeFirst()
    }
    let lines: UInt64 = 0x10
    if !call.isAtEnd {
        let flags = try call.expression()
        try call.requireEnd()
        guard sign == "+" || sign == "-" else {
            throw EngineError.sentence(".symopt+ and .symopt- change options: \(call.usage)")
        }
        guard flags == lines else {
            throw EngineError.sentence("Only option 10, line numbers, can be changed")
        }
        session.usesLines = sign == "+"
    }
    var all: UInt64 = 0x407
    if session.usesLines { all |= lines }
    call.output.line("Symbol options are 0x\(Format.hex(all)):")
    let texts: [(UInt64, String)] = [
        (0x1, "SYMOPT_CASE_INSENSITIVE"), (0x2, "SYMOPT_UNDNAME"),
        (0x4, "SYMOPT_DEFERRED_LOADS"), (lines, "SYMOPT_LOAD_LINES"),
        (0x400, "SYMOPT_EXACT_SYMBOLS"),
    ]
    for (bit, text) in texts where all & bit != 0 {
        call.output.line("  0x\(Format.leftPad(Format.hex(bit), to: 8)) - \(text)")
    }
}

private func reload(_ call: inout CommandCall) throws {
    let session = call.session
    let process = try call.process()
    var loadsNow = false
    var isVerbose = false
    var unloads = false
    call.skipSpaces()
    while call.rest.first == "/", let option = call.word() {
        switch option {
        case "/f": loadsNow = true
        case "/l": return try call.interpreter.run("lm")
        case "/v": (loadsNow, isVerbose) = (true, true)
        case "/u", "/unl": unloads = true
        case "/n", "/s", "/user", "/i", "/d", "/o", "/w": break
        default: throw EngineError(.syntax, option)
        }
        call.skipSpaces()
    }
    let name = call.word()
    try call.requireEnd()
    session.reloadModules(of: process)
    let wanted = session.modules(named: name, in: process)
    if let name, wanted.isEmpty { throw EngineError(.unresolved, name) }
    for module in wanted {
        session.forgetSymbols(of: module)
        guard loadsNow, !unloads else { continue }
        module.mayFetchAnySize = true
        let symbols = session.symbols(of: module, in: process)
        guard isVerbose else { continue }
        let place = symbols.map { $0.debugFilePath ?? $0.path } ?? "no symbols"
        call.output.line("\(Format.pad(module.name, to: 24)) \(place)")
    }
    if unloads, name != nil { return call.output.line("Unloaded symbols of \(name ?? "")") }
    if name == nil { call.output.line("Reloading current modules") }
}
