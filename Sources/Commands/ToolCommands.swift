internal import DebugEngine
internal import DebugTarget

let toolCommands: [Command] = [
    Command(
        names: [".shell"],
        usage: ".shell Command",
        summary: "run a command of this machine's shell and show what it prints",
        details: """
            The command runs on the debugger's machine with its rights, and has nothing to read. Once others
            can join the session (.server, -server), or after .noshell or with -noshell, it is forbidden for
            good: what a client leaves in a breakpoint or an alias would run too.
            """,
        takesRestOfLine: true,
        run: { call in
            let line = call.remainder()
            guard !line.isEmpty else {
                throw EngineError.sentence(".shell needs a command: \(call.usage)")
            }
            let text = try call.interpreter.environment.runShell(line)
            call.output.write(text.isEmpty || text.hasSuffix("\n") ? text : text + "\n", .normal)
            call.output.line(".shell: Process exited")
        }
    ),
    Command(
        names: [".cls"],
        usage: ".cls",
        summary: "clear the screen",
        run: { call in
            try call.requireEnd()
            call.interpreter.environment.clearScreen()
        }
    ),
    Command(
        names: [".thread"],
        usage: ".thread [Number]",
        summary: "show or choose the thread that commands are about, by its number",
        run: { call in
            if !call.isAtEnd {
                let number = try call.expression()
                try call.requireEnd()
                let all = call.session.processes.flatMap(\.threads)
                guard let thread = all.first(where: { $0.number == Int(clamping: number) }) else {
                    throw EngineError(.illegalThread, Format.hex(number))
                }
                call.session.select(thread)
            }
            let thread = try call.thread()
            call.output.line(
                "Implicit thread is now \(thread.number) (\(DebugSession.place(thread.id)))"
            )
        }
    ),
    Command(
        names: [".process"],
        usage: ".process",
        summary: "show the current process",
        run: { call in
            try call.requireEnd()
            let process = try call.process()
            let id = Format.hex(UInt64(UInt32(bitPattern: process.id.rawValue)))
            call.output.line("Implicit process is now \(process.number) (\(id))")
        }
    ),
    Command(
        names: [".effmach"],
        usage: ".effmach",
        summary: "show the processor of the current process",
        run: { call in
            try call.requireEnd()
            let process = try call.process()
            let name: String
            switch try call.session.target.targetDescription(of: process.id).architecture {
            case .x86_64: name = "x64 (AMD64)"
            case .i386: name = "x86 compatible (x86)"
            case .arm64: name = "ARM 64-bit (AArch64)"
            }
            call.output.line("Effective machine: \(name)")
        }
    ),
    Command(
        names: [".quit_lock"],
        usage: ".quit_lock [/s Word | /q Word | /r]",
        summary: "lock q against being typed by accident: /s sets a word, /q Word lifts the lock",
        run: { call in
            let interpreter = call.interpreter
            if call.take("/s") {
                guard let word = try call.quoted() ?? call.word() else {
                    throw EngineError(.operand, "")
                }
                interpreter.quitLock = word
            } else if call.take("/q") {
                let word = try call.quoted() ?? call.word()
                guard word == interpreter.quitLock else {
                    throw EngineError.sentence("That is not the word of the quit lock")
                }
                interpreter.quitLock = nil
            }
            try call.requireEnd()
            let text = interpreter.quitLock.map { "Quit lock string is '\($0)'" }
            call.output.line(text ?? "No quit lock")
        }
    ),
]
