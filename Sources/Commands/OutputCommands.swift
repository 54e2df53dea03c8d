internal import DebugEngine
internal import DebugTarget

let outputCommands: [Command] = [
    Command(
        names: [".outmask", ".outmask-"],
        usage: ".outmask[-] Flags, .outmask /a, .outmask /d",
        summary: "add kinds of text to those that are shown, or (-) take them away",
        details: """
            1 answers, 2 errors, 4 warnings, 8 what else -v shows, 10 the prompt, 20 registers before it, 80 what the
            debuggee writes. /a shows all, /d is as at the start (3f7). The log has what the screen has.
            """,
        run: { try changeOutputMask(&$0) }
    ),
    Command(
        names: [".chain"],
        usage: ".chain",
        summary: "list the extensions",
        run: { call in
            if !call.take("/D") { try call.requireEnd() }
            let names = call.interpreter.table.commands.flatMap(\.names)
                .filter { $0.hasPrefix("!") }.sorted()
            call.output.line("Extension DLL search Path:")
            call.output.line("    none: extensions are a part of the debugger")
            call.output.line("Extension DLL chain:")
            call.output.line("    cdb: \(call.interpreter.environment.versionText)")
            call.output.line("        \(names.joined(separator: " "))")
        }
    ),
    Command(
        names: [".load", ".loadby", ".unload", ".unloadall", ".setdll", ".extpath"],
        usage: ".load Extension",
        summary: "refused: extensions are a part of the debugger, and .chain lists them",
        takesRestOfLine: true,
        run: { call in
            throw EngineError.sentence(
                "\(call.name): this debugger loads no extension libraries; what it has is built in"
                    + " (.chain lists it), and scripts do the rest ($$<)"
            )
        }
    ),
    Command(
        names: ["dg"],
        usage: "dg First [Last]",
        summary: "show segment descriptors, of Linux's own table for programs",
        details: """
            No program can read the processor's table, and Linux has the same in it for all: what a selector means is
            known but for those of thread-local storage (63, 6b, 73).
            """,
        run: { try showSelectors(&$0) }
    ),
]

private func changeOutputMask(_ call: inout CommandCall) throws {
    let session = call.session
    var removes = call.name.hasSuffix("-")
    if call.rest.first == "-" {
        call.rest.removeFirst()
        removes = true
    }
    if call.take("/l") {
        throw EngineError.sentence(".outmask /l: the log has what the screen has")
    }
    if call.take("/a") {
        session.outputMask = .all
    } else if call.take("/d") {
        session.outputMask = .standard
    } else if !call.isAtEnd {
        let flags = OutputMask(rawValue: try call.expression() & OutputMask.all.rawValue)
        if removes {
            session.outputMask.subtract(flags)
        } else {
            session.outputMask.formUnion(flags)
        }
    } else if removes {
        throw EngineError(.operand, "")
    }
    try call.requireEnd()
    call.output.line("Client 0 mask is \(Format.hex(session.outputMask.rawValue))")
}

/// A segment of Linux's table (arch/x86/include/asm/segment.h): the access byte, and above it the four flags.
private struct Segment {
    static let all: [UInt64: Segment] = [
        1: Segment(0xc9b), 2: Segment(0xa9b), 3: Segment(0xc93), 4: Segment(0xcfb),
        5: Segment(0xcf3), 6: Segment(0xafb),
    ]
    static let countMax: UInt64 = 256

    let flags: UInt64

    init(_ flags: UInt64) {
        self.flags = flags
    }

    /// Its row of `dg`.
    func row(_ selector: UInt64) -> String {
        let isCode = flags & 0x8 != 0
        let isLong = flags & 0x200 != 0
        let kind = isCode ? "Code RE" : "Data RW"
        let accessed = flags & 1 != 0 ? "Ac" : "  "
        let size = flags & 0x400 != 0 ? "Bg" : "Nb"
        let grain = flags & 0x800 != 0 ? "Pg" : "By"
        let present = flags & 0x80 != 0 ? "P " : "NP"
        return
            "\(Format.hex(selector, width: 4)) \(Format.address(0)) \(Format.address(0xffff_ffff))"
            + " \(kind) \(accessed) \(flags >> 5 & 3) \(size) \(grain) \(present) "
            + "\(isLong ? "Lo" : "Nl") \(Format.hex(flags, width: 8))"
    }
}

private func showSelectors(_ call: inout CommandCall) throws {
    let process = try call.process()
    let session = call.session
    let first = try call.expression()
    let last = call.isAtEnd ? first : try call.expression()
    try call.requireEnd()
    let architecture = try session.target.targetDescription(of: process.id).architecture
    guard !session.isKernel, architecture == .x86_64 else {
        throw EngineError.sentence("dg knows the table of Linux for programs on x86-64 only")
    }
    guard first <= last, (last - first) >> 3 < Segment.countMax else {
        throw EngineError(.range, Format.hex(last))
    }
    call.output.line("                                                    P Si Gr Pr Lo")
    call.output.line(
        "Sel        Base              Limit          Type    l ze an es ng Flags"
    )
    call.output.line(
        "---- ----------------- ----------------- ---------- - -- -- -- -- --------"
    )
    for selector in stride(from: first, through: last, by: 8) {
        guard selector & 4 == 0, let segment = Segment.all[selector >> 3] else {
            call.output.line("\(Format.hex(selector, width: 4)) Unable to get descriptor")
            continue
        }
        call.output.line(segment.row(selector))
    }
}
