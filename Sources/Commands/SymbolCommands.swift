internal import DebugEngine
internal import Symbols

let symbolCommands: [Command] = [
    Command(
        names: ["x"],
        usage:
            "x [/0|/1|/2] [/t] [/v] [/q] [/p] [/f|/d] [/s Size] [/n|/N|/a|/A|/z|/Z] [Module!]Pattern",
        summary: "examine symbols that match a pattern; x * shows locals",
        details: """
            /0 shows addresses only, /1 names only, /2 both and nothing else, /t types, /v kind and size, /q names
            in quotes, /p no space before parameters, /f functions only, /d data only, /s those of one size. /n and
            /N sort by name, /a (the default) and /A by address, /z and /Z by size.
            """,
        run: { try examine(&$0) }
    ),
    Command(
        names: ["ln"],
        usage: "ln [Address]",
        summary: "list the nearest symbols",
        run: { try nearest(&$0) }
    ),
]

private struct SymbolOptions {
    enum Content { case all, address, name, both }

    var content = Content.all
    var showsTypes = false
    var isVerbose = false
    var quotes = false
    var isTight = false
    var wantsFunctions = true
    var wantsData = true
    var size: UInt64?
    var sorting: Character = "a"

    mutating func take(_ option: String, _ call: inout CommandCall) throws {
        for letter in option.dropFirst() {
            switch letter {
            case "0": content = .address
            case "1": content = .name
            case "2": content = .both
            case "t": showsTypes = true
            case "v": isVerbose = true
            case "q": quotes = true
            case "p": isTight = true
            case "f": wantsData = false
            case "d": wantsFunctions = false
            case "s": size = try call.expression()
            case "n", "N", "a", "A", "z", "Z": sorting = letter
            default: throw EngineError(.syntax, option)
            }
        }
    }

    func wants(_ symbol: Symbol) -> Bool {
        if let size, symbol.size != size { return false }
        switch symbol.kind {
        case .function, .procedureLinkage, .other: return wantsFunctions
        case .data, .threadLocal: return wantsData
        }
    }
}

/// Over a slow line values of more symbols than this are not read.
private let slowValuesMax = 32

private func examine(_ call: inout CommandCall) throws {
    let process = try call.process()
    var options = SymbolOptions()
    call.skipSpaces()
    while call.rest.first == "/", let option = call.word() {
        try options.take(option, &call)
        call.skipSpaces()
    }
    let pattern = call.remainder()
    guard !pattern.isEmpty else { throw EngineError.sentence("x needs a pattern: \(call.usage)") }
    if pattern == "*" {
        return try call.interpreter.run(options.showsTypes ? "dv /v /t" : "dv /v")
    }
    var found = call.session.symbols(matching: pattern, in: process)
        .filter { options.wants($0.symbol) }
    sort(&found, options.sorting)
    let readsValues = !call.session.isLineSlow || found.count <= slowValuesMax
    for symbol in found {
        try call.checkInterrupt()
        call.output.line(symbolLine(symbol, options, readsValues ? call.session : nil))
    }
}

private func sort(_ found: inout [FoundSymbol], _ sorting: Character) {
    switch sorting {
    case "n": found.sort { ($0.symbol.name, $0.address) < ($1.symbol.name, $1.address) }
    case "N": found.sort { ($0.symbol.name, $0.address) > ($1.symbol.name, $1.address) }
    case "z": found.sort { ($0.symbol.size, $0.address) < ($1.symbol.size, $1.address) }
    case "Z": found.sort { ($0.symbol.size, $0.address) > ($1.symbol.size, $1.address) }
    case "A": found.sort { ($0.address, $0.symbol.name) > ($1.address, $1.symbol.name) }
    default: found.sort { ($0.address, $0.symbol.name) < ($1.address, $1.symbol.name) }
    }
}

/// ``000007f6`466a2f9c module!name (parameters)``.
private func symbolLine(
    _ found: FoundSymbol,
    _ options: SymbolOptions,
    _ session: DebugSession?
) -> String {
    let symbol = found.symbol
    var name = "\(found.module.name)!\(symbol.name)"
    if options.quotes { name = "\"\(name)\"" }
    switch options.content {
    case .address: return Format.address(found.address)
    case .name: return name
    case .both: return "\(Format.address(found.address)) \(name)"
    case .all: break
    }
    var text = Format.address(found.address) + " "
    if options.isVerbose {
        let scope = symbol.isGlobal ? "pub" : "prv"
        let size = Format.leftPad(Format.hex(symbol.size), to: 4)
        text = "\(scope) \(kind(of: symbol)) \(text)\(size) "
    }
    let isData = symbol.kind == .data || symbol.kind == .threadLocal
    let value = isData ? session.flatMap { globalValue(of: found, in: $0) } : nil
    if symbol.kind == .threadLocal, let address = value?.address {
        text = text.replacing(Format.address(found.address), with: Format.address(address))
    }
    if options.showsTypes, let type = value?.type.name { text += TypeText.short(type) + " " }
    text += name
    if symbol.signature.hasPrefix(symbol.name + "(") {
        let parameters = symbol.signature.dropFirst(symbol.name.count)
        text += (options.isTight ? "" : " ") + (parameters == "()" ? "(void)" : String(parameters))
    }
    if let value { text += " = " + TypeText.short(value.described(ValueLimits()).text) }
    return text
}

private func kind(of symbol: Symbol) -> String {
    switch symbol.kind {
    case .function: "func  "
    case .data: "global"
    case .threadLocal: "tls   "
    case .procedureLinkage: "plt   "
    case .other: "label "
    }
}

/// A variable's value where its type is known.
private func globalValue(of found: FoundSymbol, in session: DebugSession) -> TypedValue? {
    session.globalValue(of: found)
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
    if let next = symbols.symbol(after: symbol.address) {
        let place = Format.address(next.address &+ module.bias)
        line += "   |  (\(place))   \(module.name)!\(next.name)"
    }
    call.output.line(line)
    if offset == symbol.address {
        call.output.line("Exact matches:")
        for exact in symbols.symbols(at: offset) {
            call.output.line("    \(module.name)!\(exact.signature)")
        }
    }
}
