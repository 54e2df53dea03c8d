internal import DebugEngine
internal import Symbols

let moduleCommands: [Command] = [
    Command(
        names: ["lm"],
        suffixes: "vmafnptlukoe",
        usage: "lm[v][f][n][l] [m Pattern] [a Address]",
        summary: "list modules",
        details: "v shows details, l only modules with symbols, m selects by name, a by address.",
        run: { try listModules(&$0) }
    )
]

private func listModules(_ call: inout CommandCall) throws {
    let session = call.session
    let process = try call.process()
    process.refresh(in: session)
    var flags = call.suffix
    var pattern: String?
    var address: UInt64?
    if flags.last == "m" {
        pattern = call.word()
    } else if flags.last == "a" {
        address = try call.expression()
    }
    while let word = call.word() {
        switch word {
        case "m", "M": pattern = call.word()
        case "a": address = try call.expression()
        default:
            guard word.allSatisfy({ "vfnl".contains($0) }) else { throw EngineError(.syntax, word) }
            flags += word
        }
    }
    call.output.line("start             end                 module name")
    let wildcard = pattern.map { WildcardPattern($0) }
    let wanted = process.modules.filter { module in
        let fitsName = wildcard?.matches(module.name) ?? true
        let fitsAddress = address.map { module.range.contains($0) } ?? true
        return fitsName && fitsAddress && (!flags.contains("l") || module.loadedSymbols != nil)
    }
    for module in wanted.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
        try call.checkInterrupt()
        call.output.line(moduleLine(module, flags))
        if flags.contains("v") { moduleDetails(module).forEach { call.output.line($0) } }
    }
    if pattern == nil, address == nil, !process.unloadedModules.isEmpty {
        call.output.line()
        call.output.line("Unloaded modules:")
        for (path, range) in process.unloadedModules {
            let bounds = "\(Format.address(range.lowerBound)) \(Format.address(range.upperBound))"
            call.output.line("\(bounds)   \(Format.baseName(path))")
        }
    }
}

extension ProcessState {
    fileprivate func refresh(in session: DebugSession) {
        // Nobody announces a kernel's modules.
        if session.isKernel { return session.reloadModules(of: self) }
        session.refreshModules(of: self)
    }
}

/// ``00005555`55554000 00005555`55558140   DisplayGreeting   (service symbols: DWARF Private
/// Symbols)        path``.
private func moduleLine(_ module: Module, _ flags: String) -> String {
    let start = Format.address(module.range.lowerBound)
    let end = Format.address(module.range.upperBound)
    if flags.contains("f") || flags.contains("n") {
        let name = flags.contains("f") ? module.path : Format.baseName(module.path)
        return "\(start) \(end)   \(Format.pad(module.name, to: 8)) \(name)"
    }
    let name = Format.pad(module.name, to: 8)
    return "\(start) \(end)   \(name)   \(statusText(module))"
}

private func statusText(_ module: Module) -> String {
    switch module.symbolState {
    case .deferred: return Format.pad("(deferred)", to: 23)
    case .failed: return Format.pad("(no symbols)", to: 23)
    case .loaded(let symbols):
        let file = symbols.debugFilePath ?? symbols.path
        switch symbols.symbolStatus {
        case .dwarf: return "(service symbols: DWARF Private Symbols)        \(file)"
        case .elfSymbols: return "(service symbols: ELF Export Symbols)        \(file)"
        case .none: return Format.pad("(no symbols)", to: 23)
        }
    }
}

private func moduleDetails(_ module: Module) -> [String] {
    var lines: [String] = []
    if let symbols = module.loadedSymbols {
        lines.append("    Loaded symbol image file: \(symbols.path)")
        if let debug = symbols.debugFilePath { lines.append("    Debug file: \(debug)") }
    } else if let path = module.localPath {
        lines.append("    Local image file: \(path)")
    }
    lines.append("    Image path: \(module.path)")
    lines.append("    Image name: \(Format.baseName(module.path))")
    if !module.buildID.isEmpty {
        lines.append("    Build ID:         \(Format.bytes(module.buildID))")
    }
    lines.append("    ImageSize:        \(Format.hex(module.byteCount, width: 8))")
    if case .failed(let reason) = module.symbolState {
        lines.append("    Symbols could not be loaded: \(reason)")
    }
    return lines
}
