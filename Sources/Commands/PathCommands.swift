internal import DebugEngine

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
        usage: ".reload [/f] [/l] [Module]",
        summary: "forget symbols so that they are loaded anew; /f at once, over a slow line too",
        run: { try reload(&$0) }
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
    call.output.line(label + session.paths[keyPath: path].joined(separator: ";"))
}

private func reload(_ call: inout CommandCall) throws {
    let session = call.session
    let process = try call.process()
    var loadsNow = false
    call.skipSpaces()
    while call.rest.first == "/", let option = call.word() {
        if option == "/f" { loadsNow = true }
        if option == "/l" {
            return try call.interpreter.run("lm")
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
        guard loadsNow else { continue }
        module.mayFetchAnySize = true
        _ = session.symbols(of: module, in: process)
    }
    if name == nil { call.output.line("Reloading current modules") }
}
