internal import DebugEngine
internal import Symbols

let symbolCommands: [Command] = [
    Command(
        names: ["x"],
        usage: "x [/v] [/n] [/a] [Module!]Pattern",
        summary: "examine symbols that match a pattern; x * shows locals",
        details: "/v shows kind and size, /n sorts by name, /a (the default) by address.",
        run: { try examine(&$0) }
    ),
    Command(
        names: ["ln"],
        usage: "ln Address",
        summary: "list the nearest symbols",
        run: { try nearest(&$0) }
    ),
]

private func examine(_ call: inout CommandCall) throws {
    let process = try call.process()
    var isVerbose = false
    var isByName = false
    call.skipSpaces()
    while call.rest.first == "/", let option = call.word() {
        for letter in option.dropFirst() {
            switch letter {
            case "v": isVerbose = true
            case "n", "N": isByName = true
            case "a", "A", "d", "p", "q", "t", "s", "f", "z": break
            default: throw EngineError(.syntax, option)
            }
        }
        call.skipSpaces()
    }
    let pattern = call.remainder()
    guard !pattern.isEmpty else { throw EngineError.sentence("x needs a pattern: \(call.usage)") }
    if pattern == "*" {
        return try call.interpreter.run("dv /v")
    }
    var found = call.session.symbols(matching: pattern, in: process)
    if isByName {
        found.sort { ($0.symbol.name, $0.address) < ($1.symbol.name, $1.address) }
    } else {
        found.sort { ($0.address, $0.symbol.name) < ($1.address, $1.symbol.name) }
    }
    for symbol in found {
        try call.checkInterrupt()
        call.output.line(symbolLine(symbol, isVerbose))
    }
}

/// ``000007f6`466a2f9c module!name (parameters)``.
private func symbolLine(_ found: FoundSymbol, _ isVerbose: Bool) -> String {
    let symbol = found.symbol
    var text = Format.address(found.address) + " "
    if isVerbose {
        let scope = symbol.isGlobal ? "pub" : "prv"
        let kind: String
        switch symbol.kind {
        case .function: kind = "func  "
        case .data: kind = "global"
        case .threadLocal: kind = "tls   "
        case .procedureLinkage: kind = "plt   "
        case .other: kind = "label "
        }
        text = "\(scope) \(kind) \(text)\(Format.leftPad(Format.hex(symbol.size), to: 4)) "
    }
    text += "\(found.module.name)!\(symbol.name)"
    if symbol.signature.hasPrefix(symbol.name + "(") {
        let parameters = symbol.signature.dropFirst(symbol.name.count)
        text += " " + (parameters == "()" ? "(void)" : String(parameters))
    }
    return text
}

private func nearest(_ call: inout CommandCall) throws {
    let process = try call.process()
    let address = call.isAtEnd ? try call.session.evaluate("$ip") : try call.expression()
    try call.requireEnd()
    let session = call.session
    guard let module = session.module(containing: address, in: process),
        let symbols = session.symbols(of: module, in: process)
    else { return }
    let offset = address &- module.bias
    guard let symbol = symbols.symbol(containing: offset) else { return }
    let source = session.sourceSuffix(address, in: process)
    var line = source.isEmpty ? "" : String(source.dropFirst()) + " "
    line += "(\(Format.address(symbol.address &+ module.bias)))   \(module.name)!\(symbol.name)"
    if offset != symbol.address { line += "+0x\(Format.hex(offset &- symbol.address))" }
    if let next = following(symbol, symbols) {
        let place = Format.address(next.address &+ module.bias)
        line += "   |  (\(place))   \(module.name)!\(next.name)"
    }
    call.output.line(line)
    if offset == symbol.address {
        call.output.line("Exact matches:")
        call.output.line("    \(module.name)!\(symbol.signature)")
    }
}

/// The symbol behind another one: code is aligned to 16 bytes at the most, with padding before it.
private func following(_ symbol: Symbol, _ symbols: ModuleSymbols) -> Symbol? {
    let end = symbol.address &+ max(symbol.size, 1)
    for candidate in [end, (end &+ 15) & ~15, (end &+ 31) & ~31] {
        if let next = symbols.symbol(containing: candidate), next.address > symbol.address {
            return next
        }
    }
    return nil
}
