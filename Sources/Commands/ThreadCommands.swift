internal import DebugEngine
internal import DebugTarget

let threadCommands: [Command] = [
    Command(
        names: ["~"],
        usage: "~ | ~Thread | ~Thread s | ~Thread Command",
        summary:
            "list threads, choose one (~2s), or carry out a command for one (~2 k) or all (~*k)",
        details: """
            Thread is a number, . (the current one), # (of the last event), * (all), ~[tid] (by kernel id)
            or [expression]. ~2s chooses a thread, ~2f freezes and ~2u thaws it, ~2e Command carries out any
            command. ~2n raises a thread's suspend count and ~2m lowers it; above 1 (the debugger's own
            stop) it does not run. A process that SIGSTOP or dbgsrv -cs has stopped counts one more for
            each of its threads, and ~*m lets it run.
            """,
        // A line that begins with ~ is taken apart before the table is asked.
        run: { try $0.interpreter.runThreadCommand("~" + $0.rest) }
    )
]

/// Which threads a `~` command is for.
private enum ThreadSelector {
    case list
    case all
    case one(ThreadState)
}

extension CommandInterpreter {
    /// Carries out `~…`.
    func runThreadCommand(_ text: String) throws {
        let process = try session.requireProcess(for: text)
        var rest = CommandText.trim(text.dropFirst())
        for other in session.processes { try session.refreshThreads(of: other) }
        let selector = try takeSelector(&rest, process)
        rest = CommandText.trim(rest)
        switch selector {
        case .list: try listThreads(isDetailed: false, session.processes.flatMap(\.threads))
        case .all:
            let threads = process.threads
            if rest.isEmpty { return try listThreads(isDetailed: true, threads) }
            try forEach(threads, rest, isAll: true)
        case .one(let thread):
            if rest.isEmpty { return try listThreads(isDetailed: true, [thread]) }
            try forEach([thread], rest, isAll: false)
        }
    }

    private func takeSelector(
        _ rest: inout String,
        _ process: ProcessState
    ) throws -> ThreadSelector {
        guard let first = rest.first else { return .list }
        if first == "*" {
            rest.removeFirst()
            return .all
        }
        if first == "." || first == "#" {
            rest.removeFirst()
            let thread = first == "." ? session.currentThread : session.eventThread
            guard let thread else { throw EngineError(.illegalThread, "~\(first)") }
            return .one(thread)
        }
        if first == "~" || first == "[" { return .one(try bracketed(&rest)) }
        let digits = rest.prefix { $0.isNumber }
        guard !digits.isEmpty, let number = Int(digits) else {
            throw EngineError(.syntax, "~\(rest)")
        }
        rest = String(rest.dropFirst(digits.count))
        return .one(try thread(number: number))
    }

    private func thread(number: Int) throws -> ThreadState {
        let all = session.processes.flatMap(\.threads)
        guard let thread = all.first(where: { $0.number == number }) else {
            throw EngineError(.illegalThread, "~\(number)")
        }
        return thread
    }

    /// `~[tid]` by the kernel's id, `[expression]` by the debugger's number.
    private func bracketed(_ rest: inout String) throws -> ThreadState {
        let isKernelID = rest.first == "~"
        let inside = rest.drop { $0 == "~" }
        guard inside.first == "[", let end = inside.firstIndex(of: "]") else {
            throw EngineError(.syntax, rest)
        }
        let value = try session.evaluate(String(inside[..<end].dropFirst()))
        rest = String(inside[inside.index(after: end)...])
        guard isKernelID else { return try thread(number: Int(clamping: value)) }
        let all = session.processes.flatMap(\.threads)
        guard let thread = all.first(where: { $0.id.number == Int64(bitPattern: value) }) else {
            throw EngineError(.illegalThread, "~~[\(Format.hex(value))]")
        }
        return thread
    }

    /// Carries out what follows the thread: a letter of `~` itself, or a command.
    private func forEach(_ threads: [ThreadState], _ rest: String, isAll: Bool) throws {
        switch rest {
        case "s" where !isAll:
            session.select(threads[0])
            nextDisassembly = nil
            return session.showLocation()
        case "f":
            return threads.forEach { $0.isFrozen = true }
        case "u":
            return threads.forEach { $0.isFrozen = false }
        case "n":
            return threads.forEach { $0.suspendCount += 1 }
        case "m":
            return threads.forEach { resume($0) }
        default:
            break
        }
        var command = rest
        if command.hasPrefix("e ") { command = CommandText.trim(command.dropFirst(2)) }
        let previous = session.currentThread
        let frame = session.currentFrame
        if threads.count > 1 { session.fetchStacks(of: threads) }
        for thread in threads {
            if session.host.takeInterrupt() { throw EngineError(.userInterrupt, rest) }
            if isAll {
                output.line()
                output.line(threadLine(thread))
            }
            session.select(thread)
            try runPlain(command, thread: thread)
            if session.processes.isEmpty { return }
        }
        // A command that let the target run has chosen its own thread.
        if let previous, threads.contains(where: { $0 === session.currentThread }),
            session.processes.contains(where: { $0.threads.contains { $0 === previous } }),
            !Self.resumes(command)
        {
            session.select(previous)
            session.currentFrame = frame
        }
    }

    /// `~m`: takes one from a thread's suspend count.
    private func resume(_ thread: ThreadState) {
        if thread.suspendCount > 0 {
            thread.suspendCount -= 1
        } else if let process = session.process(of: thread) {
            // Job control knows no single threads.
            session.endSuspension(of: process)
        }
    }

    private func suspendCount(of thread: ThreadState) -> Int {
        let isSuspended = session.process(of: thread)?.isSuspended ?? false
        return 1 + thread.suspendCount + (isSuspended ? 1 : 0)
    }

    private static func resumes(_ command: String) -> Bool {
        ["g", "p", "t"].contains(String(command.prefix(1)))
    }

    private func listThreads(isDetailed: Bool, _ threads: [ThreadState]) throws {
        if isDetailed { session.fetchStacks(of: threads) }
        for thread in threads {
            if session.host.takeInterrupt() { throw EngineError(.userInterrupt, "~") }
            output.line(threadLine(thread))
            if isDetailed { showPlace(of: thread) }
        }
    }

    /// `.  0  Id: 5500.34d8 Suspend: 1 Teb: 000000c8`262c4000 Unfrozen "name"`.
    private func threadLine(_ thread: ThreadState) -> String {
        let mark =
            thread === session.currentThread ? "." : thread === session.eventThread ? "#" : " "
        let number = Format.leftPad(String(thread.number), to: 3)
        let id = DebugSession.place(thread.id)
        let block = threadPointer(of: thread)
        let state = thread.isFrozen ? "Frozen  " : "Unfrozen"
        let name = thread.name.isEmpty ? "" : " \"\(thread.name)\""
        let text =
            "\(mark)\(number)  Id: \(id) Suspend: \(suspendCount(of: thread)) \(block)\(state)\(name)"
        return CommandText.trim(text) == text ? text : mark + CommandText.trimEnd(text.dropFirst())
    }

    /// The thread pointer, Linux's counterpart of the TEB; left out where asking for it is dear.
    private func threadPointer(of thread: ThreadState) -> String {
        guard !session.isLineSlow, let view = try? session.registers(of: thread),
            let value = view.value("fs_base")
        else { return "" }
        return "Teb: \(Format.address(value)) "
    }

    private func showPlace(of thread: ThreadState) {
        guard let process = session.process(of: thread),
            let pc = try? session.programCounter(of: thread)
        else { return }
        let name = session.symbolicAddress(pc, in: process)?.text ?? ""
        output.line("      Ip: \(name) (\(Format.address(pc)))")
    }

    /// Carries out `|…`.
    func runProcessCommand(_ text: String) throws {
        var rest = CommandText.trim(text.dropFirst())
        guard !session.processes.isEmpty else { throw EngineError(.noDebuggee, text) }
        if rest.isEmpty { return listProcesses() }
        let processes = try takeProcesses(&rest, text)
        rest = CommandText.trim(rest)
        if rest.isEmpty { return processes.forEach { output.line(processLine($0)) } }
        if rest == "s", processes.count == 1 {
            guard let thread = processes[0].threads.first else {
                throw EngineError(.illegalThread, text)
            }
            session.select(thread)
            return session.showLocation()
        }
        try forEach(processes, rest)
    }

    /// `*`, `.`, `#`, a number, `~[pid]`, `[expression]`.
    private func takeProcesses(_ rest: inout String, _ text: String) throws -> [ProcessState] {
        guard let first = rest.first else { return session.processes }
        if "*.#".contains(first) {
            rest.removeFirst()
            if first == "*" { return session.processes }
            let thread = first == "." ? session.currentThread : session.eventThread
            guard let process = thread.flatMap({ session.process(of: $0) }) else {
                throw EngineError(.noDebuggee, text)
            }
            return [process]
        }
        let number: UInt64
        let isKernelID = first == "~"
        if isKernelID || first == "[" {
            let inside = rest.drop { $0 == "~" }
            guard inside.first == "[", let end = inside.firstIndex(of: "]") else {
                throw EngineError(.syntax, rest)
            }
            number = try session.evaluate(String(inside[..<end].dropFirst()))
            rest = String(inside[inside.index(after: end)...])
        } else {
            let digits = rest.prefix { $0.isNumber }
            guard let value = UInt64(digits) else { throw EngineError(.syntax, text) }
            number = value
            rest = String(rest.dropFirst(digits.count))
        }
        let found = session.processes.first { process in
            isKernelID
                ? UInt64(UInt32(bitPattern: process.id.rawValue)) == number
                : UInt64(process.number) == number
        }
        guard let found else {
            throw EngineError.sentence("There is no process |\(text.dropFirst())")
        }
        return [found]
    }

    /// Carries out a command for processes, one after the other.
    private func forEach(_ processes: [ProcessState], _ command: String) throws {
        let previous = session.currentThread
        for process in processes {
            if session.host.takeInterrupt() { throw EngineError(.userInterrupt, command) }
            guard let thread = process.threads.first else { continue }
            if processes.count > 1 {
                output.line()
                output.line(processLine(process))
            }
            session.select(thread)
            if command.first == "~" {
                try runThreadCommand(command)
            } else {
                try runPlain(command, thread: nil)
            }
        }
        guard let previous, session.process(of: previous) != nil, !Self.resumes(command) else {
            return
        }
        session.select(previous)
    }

    private func listProcesses() {
        for process in session.processes { output.line(processLine(process)) }
    }

    /// `.  0<TAB>id: 722c<TAB>create<TAB>name: program`.
    private func processLine(_ process: ProcessState) -> String {
        let isEvent = session.eventThread.map { $0.id.process == process.id } ?? false
        let mark = process === session.currentProcess ? "." : isEvent ? "#" : " "
        let number = Format.leftPad(String(process.number), to: 3)
        let id = Format.hex(UInt64(UInt32(bitPattern: process.id.rawValue)))
        return "\(mark)\(number)\tid: \(id)\t\(process.origin.rawValue)\tname: "
            + process.executablePath
    }
}

extension CommandText {
    /// A text without the spaces at its end.
    static func trimEnd(_ text: some StringProtocol) -> String {
        String(text.reversed().drop { $0 == " " }.reversed())
    }
}
