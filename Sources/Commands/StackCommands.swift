internal import DebugEngine
internal import Symbols

let stackCommands: [Command] = [
    Command(
        names: ["k"],
        suffixes: "bcdpPvnfLM",
        usage: "k[b|c|d|p|P|v] [n] [f] [L] [FrameCount]",
        summary: "show the stack",
        details: """
            b and v show the first parameters, p all parameters with types and values, P each on a
            line of its own, n frame numbers, f the size of each frame, L leaves source lines out, c
            everything but the names. kd shows the stack's words with the symbols they point to. The count
            is hexadecimal; 0n20 is decimal.
            """,
        run: { try showStack(&$0) }
    ),
    Command(
        names: [".frame"],
        usage: ".frame [/c] [/r] [FrameNumber]",
        summary: "show or choose the frame that dv, ? and r are about",
        run: { try chooseFrame(&$0) }
    ),
    Command(
        names: [".kframes"],
        usage: ".kframes FrameCount",
        summary: "set how many frames k shows by default",
        run: { call in
            let count = try call.expression()
            try call.requireEnd()
            guard count > 0, count <= UInt64(DebugSession.framesMax) else {
                throw EngineError(.range, Format.hex(count))
            }
            call.session.defaultFrameCount = Int(count)
            call.output.line("Default stack trace depth is 0n\(count) frames")
        }
    ),
]

private func showStack(_ call: inout CommandCall) throws {
    let session = call.session
    let thread = try call.prefixThread ?? call.thread()
    var flags = call.suffix
    var count = session.defaultFrameCount
    call.skipSpaces()
    while let word = call.word() {
        // Flags may stand apart: k n 5, kb L.
        if word.allSatisfy({ "bcpPvnfLM".contains($0) }), !word.contains(where: \.isNumber),
            !["b", "c", "f"].contains(word) || call.rest.isEmpty == false
        {
            flags += word
        } else {
            count = Int(clamping: try session.evaluate(word))
        }
    }
    if flags.contains("d") {
        let start = Format.hex(try session.evaluate("$sp"))
        let words = Format.hex(UInt64(min(count, DebugSession.framesMax)))
        return try call.interpreter.run("dps 0x\(start) L0x\(words)")
    }
    let frames = try session.stack(of: thread, maximum: min(count, DebugSession.framesMax))
    let table = StackTable(flags: flags, session: session, thread: thread)
    call.output.line(table.header)
    for (index, frame) in frames.enumerated() {
        try call.checkInterrupt()
        call.output.line(table.row(index, frame, frames))
    }
    try call.requireEnd()
}

private func chooseFrame(_ call: inout CommandCall) throws {
    let session = call.session
    let thread = try call.thread()
    var showsRegisters = false
    while call.take("/c") || call.take("/r") { showsRegisters = true }
    if !call.isAtEnd {
        let number = Int(clamping: try call.expression())
        try call.requireEnd()
        _ = try session.frame(number, of: thread)
        session.currentFrame = number
        call.interpreter.nextDisassembly = nil
        call.interpreter.nextSourceLine = nil
    }
    let number = session.currentFrame
    let frames = try session.stack(of: thread, maximum: number + 2)
    guard frames.indices.contains(number) else { return }
    let table = StackTable(flags: "n", session: session, thread: thread)
    call.output.line(table.row(number, frames[number], frames))
    if showsRegisters { call.output.line(frameRegisters(frames[number], session)) }
}

/// What unwinding knows of a frame's registers.
private func frameRegisters(_ frame: StackFrame, _ session: DebugSession) -> String {
    let names = [
        "rip", "rsp", "rbp", "rbx", "r12", "r13", "r14", "r15",
    ]
    let cells = names.compactMap { name -> String? in
        guard let value = (try? session.registerValue(name)) ?? nil else { return nil }
        return "\(Format.leftPad(name, to: 3))=\(Format.hex(value, width: 16))"
    }
    return stride(from: 0, to: cells.count, by: 3).map {
        cells[$0..<min($0 + 3, cells.count)].joined(separator: " ")
    }.joined(separator: "\n")
}

/// The columns of `k`.
struct StackTable {
    private let showsNumbers: Bool
    private let showsArguments: Bool
    private let showsParameters: Bool
    private let isVertical: Bool
    private let showsSizes: Bool
    private let showsLines: Bool
    private let isClean: Bool
    private let session: DebugSession
    private let thread: ThreadState

    init(flags: String, session: DebugSession, thread: ThreadState) {
        showsNumbers = flags.contains("n")
        showsArguments = flags.contains("b") || flags.contains("v")
        showsParameters = flags.contains("p") || flags.contains("P")
        isVertical = flags.contains("P")
        showsSizes = flags.contains("f")
        showsLines = !flags.contains("L") && !flags.contains("c")
        isClean = flags.contains("c")
        self.session = session
        self.thread = thread
    }

    var header: String {
        let number = showsNumbers ? " # " : ""
        if isClean { return number + "Call Site" }
        let size = showsSizes ? "  Memory  " : ""
        let arguments =
            showsArguments
            ? ": Args to Child" + String(repeating: " ", count: 59) + ": Call Site" : "Call Site"
        return "\(number)\(size)Child-SP          RetAddr               \(arguments)"
    }

    func row(_ index: Int, _ frame: StackFrame, _ frames: [StackFrame]) -> String {
        var text = showsNumbers ? Format.hex(UInt64(index), width: 2) + " " : ""
        if isClean { return text + Self.withoutOffset(place(frame)) }
        if showsSizes { text += sizeCell(index, frame, frames) }
        if frame.inlined != nil {
            text += "(Inline Function) --------`--------     "
        } else {
            text += Format.address(frame.childStackPointer) + " "
            text += Format.address(frame.returnAddress) + "     "
        }
        if showsArguments { text += argumentCells(frame) }
        return text + place(frame)
    }

    private static func withoutOffset(_ text: String) -> String {
        text.range(ofOffset: "+0x").map { String(text[..<$0]) } ?? text
    }

    private func sizeCell(_ index: Int, _ frame: StackFrame, _ frames: [StackFrame]) -> String {
        guard index > 0 else { return "          " }
        let size = frame.childStackPointer &- frames[index - 1].childStackPointer
        return Format.leftPad(Format.hex(size), to: 8) + "  "
    }

    /// The first four parameters by value, dashes where a parameter is not there or not known.
    private func argumentCells(_ frame: StackFrame) -> String {
        let values = parameters(of: frame).prefix(4).map { parameter in
            parameter.value.scalar.map { Format.address($0) } ?? "--------`--------"
        }
        let missing = Array(repeating: "--------`--------", count: 4 - values.count)
        return ": " + (values + missing).joined(separator: " ") + " : "
    }

    private func parameters(of frame: StackFrame) -> [Variable] {
        session.variables(in: frame, of: thread).filter(\.isParameter)
    }

    /// `module!function+0x12 [file @ 15] `.
    private func place(_ frame: StackFrame) -> String {
        guard let process = session.process(of: thread) else { return "" }
        let lookup = frame.registers.lookupAddress
        var text: String
        if let inlined = frame.inlined {
            let module = session.module(containing: lookup, in: process)
            let offset = lookup &- (module?.bias ?? 0) &- inlined.entry
            let suffix =
                offset == 0 || Int64(bitPattern: offset) < 0 ? "" : "+0x\(Format.hex(offset))"
            text = (module.map { "\($0.name)!" } ?? "") + inlined.function
            text += parameterList(frame) + suffix
        } else if var symbolic = session.symbolicAddress(lookup, in: process) {
            symbolic.offset &+= frame.pc &- lookup
            let name = symbolic.symbol.map { "\(symbolic.module)!\($0)" } ?? symbolic.module
            let suffix = symbolic.offset == 0 ? "" : "+0x\(Format.hex(symbolic.offset))"
            text = name + parameterList(frame) + suffix
        } else {
            text = "0x" + Format.address(frame.pc)
        }
        guard showsLines, session.usesLines, let location = frame.location, location.line > 0 else {
            return text
        }
        return text + " [\(location.file) @ \(location.line)] "
    }

    private func parameterList(_ frame: StackFrame) -> String {
        guard showsParameters else { return "" }
        let texts = parameters(of: frame).map { "\($0.typeName) \($0.name) = \($0.value.text)" }
        if isVertical, !texts.isEmpty {
            let indent = "\n" + String(repeating: " ", count: 16)
            return "(" + texts.map { indent + $0 }.joined(separator: ",") + ")"
        }
        return "(" + texts.joined(separator: ", ") + ")"
    }
}

extension String {
    /// Where the last occurrence of a mark begins.
    fileprivate func range(ofOffset mark: String) -> String.Index? {
        indices.last { self[$0...].hasPrefix(mark) }
    }
}
