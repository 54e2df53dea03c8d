internal import DebugEngine
internal import DebugTarget
internal import Disassembly
internal import Symbols

let analysisCommands: [Command] = [
    Command(
        names: ["!analyze"],
        usage: "!analyze [-v]",
        summary:
            "say in plain words why the process died or stopped; -v with everything that belongs to it",
        details: """
            The signal and who raised it, the instruction and the address it was after, the nearest mapping
            or block of the heap, what glibc wrote before it gave up, a stack overflow, the stack with
            inlined calls, the variables of the frame, threads that wait for each other, the last events.
            """,
        run: { call in
            let isVerbose = call.take("-v")
            try call.requireEnd()
            try Analysis(&call).write(isVerbose: isVerbose)
        }
    )
]

/// What is found out about a stop.
private struct Analysis {
    /// How many frames are looked at for the cause.
    private static let framesMax = 64
    /// How near to the stack pointer a fault has to be to be the stack's overflow, in bytes.
    private static let overflowBytes: UInt64 = 1 << 16

    private let call: CommandCall
    private let session: DebugSession
    private let process: ProcessState
    private let thread: ThreadState
    private let record: SignalRecord?
    private let instruction: Instruction?
    private let frames: [StackFrame]

    init(_ call: inout CommandCall) throws {
        self.call = call
        session = call.session
        process = try call.process()
        thread = try call.thread()
        record = Self.record(session, thread)
        instruction = try? session.instruction(of: thread)
        frames = (try? session.stack(of: thread, maximum: Self.framesMax)) ?? []
    }

    /// The signal that the thread stopped for; nil when it was the debugger that stopped it.
    private static func record(_ session: DebugSession, _ thread: ThreadState) -> SignalRecord? {
        let bytes = try? session.target.signalInformation?.signalInformation(of: thread.id)
        let told = bytes.flatMap { SignalRecord($0) }
        if let signal = thread.stopSignal {
            if let told, told.signal == signal.rawValue { return told }
            return SignalRecord(signal: signal.rawValue)
        }
        guard let told, told.signal != 5, told.signal != 19, told.signal != 0 else { return nil }
        return told
    }

    // MARK: - Sentences

    /// Why it died or stopped, a sentence each.
    private func sentences() -> [String] {
        guard let record else {
            let event = session.lastEvent.map { ": \($0.text)" } ?? ""
            return ["The process is alive; it stands because the debugger stopped it\(event)."]
        }
        let name = session.signalName(record.signal)
        var lines = ["Thread \(thread.number) got \(name), \(record.meaning)."]
        if record.isSent, record.code != 0 || record.sender != 0 {
            let own = record.sender == process.id.rawValue
            lines.append(
                own
                    ? "The program sent it to itself (raise(3), abort(3) or pthread_kill(3))."
                    : "Process 0n\(record.sender) sent it."
            )
        }
        if let words = record.codeWords {
            lines.append("That means: \(words) (\(record.codeName)).")
        }
        lines += accessSentences(record)
        if let message = abortMessage() { lines.append("It said before: \"\(message)\"") }
        if let words = giveUpWords() { lines.append(words) }
        return lines
    }

    private func accessSentences(_ record: SignalRecord) -> [String] {
        guard record.signal == 11 || record.signal == 7 else { return [] }
        guard record.hasAddress else {
            return record.isSent
                ? []
                : [
                    "The address is one that the processor does not have (its upper bits are neither all 0"
                        + " nor all 1): a pointer was probably overwritten."
                ]
        }
        let pc = frames.first?.pc ?? 0
        if record.address == pc {
            return [
                "It tried to execute code at \(Format.address(pc)), where there is none that may be"
                    + " executed: a call through a pointer that is wrong, or a smashed return address."
            ] + callerSentence()
        }
        let verb = isWrite ? "write to" : "read from"
        var lines = ["It tried to \(verb) \(Format.address(record.address))."]
        if let words = overflowWords(record.address) { return lines + [words] }
        if record.address < 0x10000 {
            let offset =
                record.address == 0
                ? "" : " (a member 0x\(Format.hex(record.address)) bytes into it)"
            lines.append("That is a null pointer\(offset).\(nullRegister())")
        } else {
            lines += mappingSentences(record.address)
        }
        return lines
    }

    /// Who called, as the top of the stack has it: there is nothing to unwind by.
    private func callerSentence() -> [String] {
        guard let pointer = (try? session.pseudoValue("sp", of: thread)) ?? nil,
            let word = try? session.readMemory(at: pointer, count: 8), word.count == 8,
            let caller = session.symbolicAddress(LittleEndian.value(word), in: process)
        else { return [] }
        return ["The top of the stack has \(caller.text), to which the call would have returned."]
    }

    /// Which register held the null pointer.
    private func nullRegister() -> String {
        guard let operand = instruction?.memoryOperand, let base = operand.base, base != "rip",
            let value = (try? session.registers(of: thread))?.value(base), value < 0x10000
        else { return "" }
        return " The pointer was in \(base), which is 0x\(Format.hex(value))."
    }

    private func mappingSentences(_ address: UInt64) -> [String] {
        guard let all = try? session.memoryUsages(of: process) else { return [] }
        if let found = all.first(where: { $0.region.range.contains(TargetAddress(address)) }) {
            let name = found.region.name.isEmpty ? "anonymous memory" : found.region.name
            var text = "The memory there is \(name) (\(found.usage.kind)), "
            text += found.region.isReadable ? "readable" : "not readable"
            text += found.region.isWritable ? ", writable." : ", not writable."
            var lines = [text]
            if found.usage.kind == "Heap", let chunk = session.heapChunk(at: address, in: process) {
                lines.append("It is \(chunk).")
            }
            return lines
        }
        return session.neighbours(of: address, in: all.map(\.region)).map { "It lies \($0)." }
    }

    /// Whether the instruction stores: its first operand is memory, and it does not only look.
    private var isWrite: Bool {
        guard let instruction else { return false }
        if instruction.isCall || instruction.mnemonic == "push" { return true }
        let looking = ["cmp", "test", "jmp", "ucomis", "comis", "bt"]
        if looking.contains(where: { instruction.mnemonic.hasPrefix($0) }) { return false }
        let first = instruction.operands.split(separator: ",").first ?? ""
        if instruction.mnemonic.hasPrefix("stos") || instruction.mnemonic.hasPrefix("movs") {
            return true
        }
        return first.contains("[")
    }

    private func overflowWords(_ address: UInt64) -> String? {
        guard let pointer = (try? session.pseudoValue("sp", of: thread)) ?? nil else { return nil }
        let distance = address > pointer ? address - pointer : pointer - address
        guard distance < Self.overflowBytes else { return nil }
        let isMapped =
            (try? session.memoryUsages(of: process))?.contains {
                $0.region.range.contains(TargetAddress(address)) && $0.region.isWritable
            } ?? true
        guard !isMapped else { return nil }
        var text = "The stack has overflowed: the address is where the stack would have grown to."
        if let (name, count) = mostFrequent(), count > 3 {
            text += " \(name) is on it \(count) times among the innermost \(frames.count) frames:"
            text += " probably a recursion without end."
        }
        return text
    }

    private func mostFrequent() -> (String, Int)? {
        var counts: [String: Int] = [:]
        for name in frames.map({ functionName($0) }) { counts[name, default: 0] += 1 }
        return counts.max { ($0.value, $1.key) < ($1.value, $0.key) }.map { ($0.key, $0.value) }
    }

    /// What glibc wrote before it called abort: `__abort_msg` points to it.
    private func abortMessage() -> String? {
        guard record?.signal == 6, let symbol = session.symbol("__abort_msg", in: process),
            let word = try? session.readMemory(at: symbol.address, count: 8), word.count == 8,
            LittleEndian.value(word) != 0,
            let text = try? session.text(at: LittleEndian.value(word) &+ 4, isWide: false)
        else { return nil }
        return CommandText.trim(text.split(separator: "\n").joined(separator: " "))
    }

    /// What gave up, by the functions on the stack.
    private func giveUpWords() -> String? {
        guard record?.signal == 6 else { return nil }
        let names = frames.map { functionName($0) }
        func has(_ part: String) -> Bool { names.contains { $0.contains(part) } }
        if has("__assert_fail") { return "An assertion of the program failed." }
        if has("__stack_chk_fail") { return "A buffer on the stack was written beyond its end." }
        if has("__chk_fail") { return "A C library function was given a buffer that is too small." }
        if has("malloc_printerr") {
            return
                "malloc found its heap damaged, or a block freed that is not in use; !heap looks at it."
        }
        if has("__cxa_throw") { return "A C++ exception was thrown that nobody catches." }
        if has("std::terminate") { return "std::terminate was called." }
        if has("swift_") || has("$ss") {
            return "A check of Swift's failed (trap or precondition)."
        }
        if has("rust_panic") || has("core::panicking") { return "A Rust panic ended the program." }
        return nil
    }

    // MARK: - Output

    private func functionName(_ frame: StackFrame) -> String {
        let module = session.module(containing: frame.registers.lookupAddress, in: process)?.name
        if let inlined = frame.inlined { return (module.map { $0 + "!" } ?? "") + inlined.function }
        guard let place = session.symbolicAddress(frame.registers.lookupAddress, in: process),
            let symbol = place.symbol
        else { return module ?? Format.address(frame.pc) }
        return "\(place.module)!\(symbol)"
    }

    /// Functions that only carry out the giving up.
    private static let carriers = [
        "raise", "abort", "pthread_kill", "__assert_fail", "__libc_message", "malloc_printerr",
        "__fortify_fail", "__chk_fail", "__stack_chk_fail", "std::terminate", "__cxa_throw",
        "__verbose_terminate", "_int_free", "free", "__assert_perror_fail", "__terminate",
    ]

    /// The first frame that is not the C library's way of giving up.
    private var culprit: StackFrame? {
        guard record?.signal == 6 else { return frames.first }
        return frames.first { frame in
            let name = functionName(frame)
            let plain = name.split(separator: "!").last.map(String.init) ?? name
            return !Self.carriers.contains { plain.hasPrefix($0) || plain.hasPrefix("__" + $0) }
                && !name.hasPrefix("libc_so!") && !name.hasPrefix("libstdc")
        } ?? frames.first
    }

    func write(isVerbose: Bool) throws {
        let output = call.output
        let bar = String(repeating: "*", count: 79)
        output.line(bar)
        output.line("*" + String(repeating: " ", count: 77) + "*")
        output.line(
            "*" + Format.pad(String(repeating: " ", count: 28) + "Exception Analysis", to: 77) + "*"
        )
        output.line("*" + String(repeating: " ", count: 77) + "*")
        output.line(bar)
        output.line()
        output.line("WHAT_HAPPENED:")
        sentences().forEach { output.line("  \($0)") }
        output.line()
        writePlace()
        guard isVerbose else {
            return output.line("!analyze -v says more")
        }
        try writeDetails()
    }

    private func writePlace() {
        let output = call.output
        output.line(
            "PROCESS_NAME:  \(Format.baseName(process.executablePath)) (pid 0n\(process.id))"
        )
        if let frame = culprit {
            output.line("FAULTING_FUNCTION:  \(functionName(frame))")
            if let location = frame.location, location.line > 0 {
                output.line("FAULTING_SOURCE_LINE:  \(location.file) @ \(location.line)")
            }
        }
        output.line()
    }

    private func writeDetails() throws {
        let output = call.output
        if let instruction {
            output.line("FAULTING_IP:")
            output.line(session.codeHeader(instruction.address.rawValue, in: process))
            output.line(session.instructionText(instruction, in: process))
            output.line()
        }
        if let record { writeRecord(record) }
        output.line("REGISTERS:")
        output.line(RegisterText.general(try session.registers(of: thread)))
        output.line()
        output.line("STACK_TEXT:")
        try call.interpreter.run("kn 0n40")
        output.line()
        writeSource()
        writeVariables()
        try writeWaits()
        writeEvents()
        output.line("FAILURE_BUCKET_ID:  \(bucket)")
        output.line()
    }

    private func writeRecord(_ record: SignalRecord) {
        let output = call.output
        output.line("EXCEPTION_RECORD:")
        output.line("   ExceptionCode: \(session.signalName(record.signal)) (\(record.codeName))")
        if record.hasAddress { output.line("   FaultAddress:  \(Format.address(record.address))") }
        if record.isSent, record.sender != 0 {
            output.line("   Sender:        pid 0n\(record.sender)")
        }
        output.line()
    }

    private func writeSource() {
        guard let location = culprit?.location, location.line > 0,
            let lines = session.sourceLines(location.file), location.line <= lines.count
        else { return }
        call.output.line("FAULTING_SOURCE_CODE:")
        let first = max(1, location.line - 4)
        for number in first..<min(lines.count + 1, location.line + 5) {
            let mark = number == location.line ? ">" : " "
            call.output.line(
                "\(mark)\(Format.leftPad(String(number), to: 5)): \(lines[number - 1])"
            )
        }
        call.output.line()
    }

    private func writeVariables() {
        guard let frame = culprit else { return }
        let variables = session.variables(in: frame, of: thread)
        guard !variables.isEmpty else { return }
        call.output.line("VARIABLES of \(functionName(frame)):")
        for variable in variables {
            call.output.line(
                "  \(Format.leftPad(variable.name, to: 18)) = \(variable.value.text)"
            )
        }
        call.output.line()
    }

    private func writeWaits() throws {
        let waits = try session.lockWaits(of: process)
        guard !waits.isEmpty else { return }
        call.output.line("WAITING_THREADS:")
        try call.interpreter.run("!locks")
        call.output.line()
    }

    private func writeEvents() {
        call.output.line("LAST_EVENTS:")
        for event in session.events.suffix(10) {
            call.output.line("  \(event.place): \(event.text)")
        }
        call.output.line()
    }

    /// What tells this kind of failure from others, the same in every run.
    private var bucket: String {
        let name = record.map { session.signalName($0.signal) } ?? "NO_SIGNAL"
        let code = record.map { $0.isSent ? "" : "_" + $0.codeName } ?? ""
        let access =
            record?.signal == 11 && record?.hasAddress == true ? (isWrite ? "_WRITE" : "_READ") : ""
        return name + code + access + "_" + (culprit.map { functionName($0) } ?? "unknown")
    }
}
