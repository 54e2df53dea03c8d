internal import DebugEngine
internal import DebugTarget

let dumpCommands: [Command] = [
    Command(
        names: [".dump"],
        usage: ".dump [/o] [/u] [/c \"Comment\"] [/f | /m[a|f|d|p|i|c]] File",
        summary: "write the current process as a core file",
        details: """
            gdb, lldb and cdb -z open it. /m, the default, has registers, stacks, the heads of the mapped files
            and the list of modules; behind it d adds global variables, p heaps (all memory of no file), i what
            the stacks point to, c code. /ma and /mf have all that is not in files unchanged, as the kernel
            writes it; /f has everything. /o overwrites a file, /u puts date, time and process id into its name.
            Ctrl+C stops it, and nothing is left of the file.
            """,
        run: { try writeDump(&$0) }
    ),
    Command(
        names: [".opendump"],
        usage: ".opendump File",
        summary: "open a further core file; g finishes it",
        details: "In a session on core files (cdb -z); | lists them, |1s chooses one.",
        run: { call in
            let path = try call.quoted() ?? call.remainder()
            guard !path.isEmpty else { throw EngineError.sentence(".opendump needs a file") }
            guard call.session.isPostMortem else { _ = try call.session.openDump(path); return }
            call.interpreter.pending.append(.dump(path))
            call.output.line()
            call.output.line("Loading Dump File [\(path)]")
            call.output.line("Opened '\(path)'")
        }
    ),
    Command(
        names: [".exr"],
        usage: ".exr -1",
        summary: "show the signal that the thread of the last event got",
        run: { try showException(&$0) }
    ),
    Command(
        names: [".ecxr"],
        usage: ".ecxr",
        summary: "go to the thread of the last event, and show its registers",
        run: { call in
            try call.requireEnd()
            guard let thread = call.session.eventThread else {
                throw EngineError.sentence("Unable to get exception context, there is no event")
            }
            call.session.select(thread)
            call.session.showLocation(withRegisters: true)
        }
    ),
]

/// What `.dump` was asked for.
private struct DumpOptions {
    var extent = DumpExtent(.mini)
    var overwrites = false
    var marksName = false
    var comment = ""
    var path = ""

    init(_ call: inout CommandCall) throws {
        while true {
            call.skipSpaces()
            guard call.rest.first == "/", let word = Self.option(call.rest) else { break }
            call.rest = String(call.rest.dropFirst(word.count))
            try take(String(word.dropFirst()), &call)
        }
        path = try call.quoted() ?? call.remainder()
        guard !path.isEmpty else { throw EngineError.sentence(".dump needs a file") }
    }

    /// `/ma`, but not a path: `/tmp/core`.
    private static func option(_ text: String) -> String? {
        let word = text.prefix { $0 != " " && $0 != "\t" }
        return word.dropFirst().contains("/") || word == "/" ? nil : String(word)
    }

    private mutating func take(_ option: String, _ call: inout CommandCall) throws {
        switch option {
        case "o": overwrites = true
        case "u": marksName = true
        case "f": extent = DumpExtent(.all)
        case "c":
            guard let text = try call.quoted() ?? call.word() else {
                throw EngineError.sentence("/c needs a comment behind it")
            }
            comment = text
        case "a", "b", "ba", "j", "kpmf", "k":
            throw EngineError.sentence(
                "/\(option) is not for core files: /o, /u, /c \"Comment\", /f and /m are"
            )
        default:
            guard option.first == "m" else { throw EngineError(.syntax, "/\(option)") }
            try takeMini(option.dropFirst())
        }
    }

    private mutating func takeMini(_ letters: Substring) throws {
        for letter in letters {
            if letter == "a" || letter == "f" {
                extent = DumpExtent(.full)
            } else if let part = DumpExtent.Part(rawValue: letter) {
                extent.parts.insert(part)
            } else {
                throw EngineError.sentence(
                    "/m\(letter) means something that a core file has no place for;"
                        + " a, f, d, p, i and c are known"
                )
            }
        }
    }
}

private func writeDump(_ call: inout CommandCall) throws {
    let options = try DumpOptions(&call)
    let process = try call.process()
    let environment = call.interpreter.environment
    var path = options.path
    if options.marksName {
        let mark = environment.fileTimeText + "_" + Format.hex(UInt64(process.id.rawValue))
        path = marked(path, mark)
    }
    let file = try environment.createDumpFile(path, overwriting: options.overwrites)
    let what: String
    switch options.extent.kind {
    case .mini: what = "mini user dump"
    case .full: what = "full user dump, without what is in files"
    case .all: what = "full user dump"
    }
    call.output.line("Creating \(path) - \(what)")
    let request = DumpRequest(
        extent: options.extent,
        comment: options.comment,
        time: environment.timeText,
        writer: environment.versionText
    )
    let summary = try call.session.writeDump(of: process, request, to: file)
    if summary.missingByteCount > 0 {
        let size = Format.size(summary.missingByteCount)
        call.output.line("*** WARNING: \(size) of memory could not be read", .warning)
    }
    call.output.line("Dump successfully written")
}

/// `app_2026-11-21_22-25-03_1a2c.core` for `app.core`.
private func marked(_ path: String, _ mark: String) -> String {
    let name = Format.baseName(path)
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex else {
        return "\(path)_\(mark)"
    }
    let ending = String(name[dot...])
    return String(path.dropLast(ending.count)) + "_\(mark)" + ending
}

private func showException(_ call: inout CommandCall) throws {
    let session = call.session
    guard call.word() == "-1" else {
        throw EngineError.sentence(
            "Linux keeps no exception records in memory: .exr -1 shows the last"
        )
    }
    try call.requireEnd()
    guard let thread = session.eventThread, let details = session.signalDetails(of: thread) else {
        throw EngineError.sentence("There is no signal information for the last event")
    }
    let pc = try session.programCounter(of: thread)
    let name = session.symbolText(pc).map { " (\($0))" } ?? ""
    let code = Format.hex(UInt64(details.exceptionCode), width: 8)
    call.output.line("ExceptionAddress: \(Format.hex(pc, width: 16))\(name)")
    call.output.line("   ExceptionCode: \(code) (\(details.exceptionName))")
    call.output.line("  ExceptionFlags: 00000000")
    let parameters =
        [UInt64(UInt32(bitPattern: details.code))] + [details.address].compactMap { $0 }
    call.output.line("NumberParameters: \(parameters.count)")
    for (index, value) in parameters.enumerated() {
        call.output.line("   Parameter[\(index)]: \(Format.hex(value, width: 16))")
    }
    call.output.line(details.text)
}
