public import DebugTarget
internal import LinuxSystem

extension PtraceTarget {
    private static let shell = "/bin/sh"

    /// Starts a program and stops it at its first instruction.
    public func launch(_ request: LaunchRequest) throws(TargetError) -> ThreadID {
        let environment = ProgramPath.environment(changedBy: request.environment)
        var request = request
        request.workingDirectory = request.workingDirectory.map {
            ProgramPath.folder($0, environment)
        }
        let terminal: PseudoTerminal? = request.standardStreams == nil ? nil : try openConsole()
        var specification = try specification(of: request, environment)
        specification.terminal = terminal?.path
        specification.input = inputOfPrograms()
        specification.streams = request.standardStreams?.paths ?? specification.streams
        let child: ChildProcess
        do throws(SystemError) {
            child = try ChildProcess(specification)
        } catch {
            throw TargetError(.system(error.errorNumber), "cannot start a process: \(error)")
        }
        let id = child.processID
        do throws(SystemError) {
            try Ptrace.seize(id, options: [.exec, .exitKill])
            try child.proceed()
        } catch {
            endUnborn(id)
            throw TargetError(.notPermitted, "cannot trace the new process: \(error)")
        }
        // The shell is one program before the one that is wanted.
        let deadline = monotonicNanoseconds() + PtraceTarget.launchDeadlineNanoseconds
        for count in 0..<(request.usesShell ? 2 : 1) {
            if count > 0 { try? Ptrace.resume(id, .run, signal: 0) }
            switch waitForExec(of: id, until: deadline) {
            case .event?: continue
            case nil:
                endUnborn(id)
                throw launchTookTooLong(request)
            case let ending?: throw launchFailure(request, child.failure(), ending)
            }
        }
        if let terminal { consoles.append(Console(process: ProcessID(id), terminal: terminal)) }
        return try adoptLaunched(id)
    }

    private func adoptLaunched(_ id: Int32) throws(TargetError) -> ThreadID {
        do throws(SystemError) {
            try Ptrace.setOptions(id, options(forLaunched: true, isLeader: true))
            let architecture = try NativeArchitecture(probing: id)
            let process = TracedProcess(
                id: ProcessID(id),
                wasLaunched: true,
                space: AddressSpace(
                    memory: try ProcessMemory(process: id, thread: id),
                    trap: architecture.trapInstruction
                ),
                architecture: architecture
            )
            let thread = process.addThread(id)
            thread.state = .stopped(.event)
            thread.reported = .launched
            threadIndex[id] = thread
            traced.append(process)
            lastReported = thread.threadID
            return thread.threadID
        } catch {
            endUnborn(id)
            throw TargetError(.system(error.errorNumber), "cannot trace the new process: \(error)")
        }
    }

    /// Lets a child go on until it has become another program.
    ///
    /// - Returns: what it came to: its exec, its end, or nil when neither happened in time.
    private func waitForExec(of id: Int32, until deadline: UInt64) -> WaitStatus? {
        while let status = nextStatus(of: id, until: deadline) {
            switch status {
            case .event(.exec, _), .exited, .terminated: return status
            case .signalled(let signal): try? Ptrace.resume(id, .run, signal: signal)
            default: try? Ptrace.resume(id, .run, signal: 0)
            }
        }
        return nil
    }

    private func endUnborn(_ id: Int32) {
        try? signalProcess(id, Signal.kill.rawValue)
        let deadline = monotonicNanoseconds() + PtraceTarget.killDeadlineNanoseconds
        while let status = nextStatus(of: id, until: deadline) {
            switch status {
            case .exited, .terminated: return
            default: try? Ptrace.resume(id, .run, signal: 0)
            }
        }
        // Its end is taken note of when it comes.
        released.insert(id)
    }

    private func launchTookTooLong(_ request: LaunchRequest) -> TargetError {
        let program = request.arguments.first ?? ""
        let limit = PtraceTarget.launchDeadlineNanoseconds / 1_000_000_000
        return TargetError(
            .cannotRun,
            request.usesShell
                ? "cannot run \(program): \(PtraceTarget.shell) has not started it in \(limit) s and was "
                    + "killed; does a redirection name a FIFO that nobody has opened?"
                : "cannot run \(program): execve(2) has not started it in \(limit) s; it was killed"
        )
    }

    private func launchFailure(
        _ request: LaunchRequest,
        _ failure: ChildProcess.Failure?,
        _ ending: WaitStatus
    ) -> TargetError {
        let program = request.arguments.first ?? ""
        guard let failure else {
            return TargetError(
                .cannotRun,
                "\(PtraceTarget.shell) ended before it could run \(program) (\(ending))"
            )
        }
        return LaunchFailure.error(failure, program, in: request.workingDirectory ?? "")
    }

    // MARK: What to run

    private func specification(
        of request: LaunchRequest,
        _ environment: [String]
    ) throws(TargetError) -> ChildProcess.Specification {
        guard let name = request.arguments.first, !name.isEmpty else {
            throw TargetError(.invalid, "no program was named")
        }
        if let text = request.arguments.first(where: { $0.utf8.contains(0) }) {
            throw TargetError(.invalid, "the argument \(text) contains a zero byte")
        }
        let program = try ProgramPath.find(
            name,
            in: request.workingDirectory,
            environment
        )
        let shellLine = ShellCommand.line(
            program: program,
            arguments: request.arguments.dropFirst()
        )
        return ChildProcess.Specification(
            program: request.usesShell ? PtraceTarget.shell : program,
            arguments: request.usesShell
                ? ["sh", "-c", "exec " + shellLine].map { Array($0.utf8) }
                : request.argumentBytes ?? request.arguments.map { Array($0.utf8) },
            environment: environment,
            workingDirectory: request.workingDirectory,
            disablesAddressRandomization: request.disablesAddressRandomization
        )
    }
}

/// What a child says that could not become the program.
enum LaunchFailure {
    static func error(
        _ failure: ChildProcess.Failure,
        _ program: String,
        in directory: String = ""
    ) -> TargetError {
        switch failure {
        case .workingDirectory(let number):
            let reason = SystemError.reason(for: number)
            return TargetError(.cannotRun, "cannot run \(program) in \(directory): \(reason)")
        case .exec(let number):
            let reason = SystemError.reason(for: number)
            return TargetError(.cannotRun, "cannot run \(program): \(reason)")
        case .setup(let number):
            let reason = SystemError.reason(for: number)
            return TargetError(.system(number), "cannot start a process for \(program): \(reason)")
        }
    }
}

/// The words of a shell's command line.
enum ShellCommand {
    private static let redirections = ["2>&1", "2>>", "1>>", ">>", "&>", "2>", "1>", ">", "<"]

    /// A line that gives the program its arguments exactly, except that an argument which begins with a
    /// redirection (`<`, `>`, `2>`, …) is one.
    static func line(program: String, arguments: ArraySlice<String>) -> String {
        ([quoted(program)] + arguments.map { word($0) }).joined(separator: " ")
    }

    private static func word(_ argument: String) -> String {
        guard let sign = redirections.first(where: { argument.hasPrefix($0) }) else {
            return quoted(argument)
        }
        let file = argument.dropFirst(sign.utf8.count)
        return file.isEmpty ? sign : sign + quoted(String(file))
    }

    private static func quoted(_ text: String) -> String {
        let parts = text.split(separator: "'", omittingEmptySubsequences: false)
        return "'" + parts.joined(separator: "'\\''") + "'"
    }
}
