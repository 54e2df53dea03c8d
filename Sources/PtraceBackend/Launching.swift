public import DebugTarget
internal import LinuxSystem

extension PtraceTarget {
    private static let pathVariable = "PATH"
    private static let pathDefault = "/usr/local/bin:/usr/bin:/bin"
    private static let shell = "/bin/sh"

    /// Starts a program and stops it at its first instruction.
    public func launch(_ request: LaunchRequest) throws(TargetError) -> ThreadID {
        let environment = changedEnvironment(request.environment)
        let terminal: PseudoTerminal? = request.standardStreams == nil ? nil : try openConsole()
        var specification = try specification(of: request, environment)
        specification.terminal = terminal?.path
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
        switch failure {
        case .workingDirectory(let number):
            let directory = request.workingDirectory ?? ""
            return TargetError(
                .cannotRun,
                "cannot run \(program) in \(directory): \(SystemError.reason(for: number))"
            )
        case .exec(let number):
            return TargetError(
                .cannotRun,
                "cannot run \(program): \(SystemError.reason(for: number))"
            )
        case .setup(let number):
            return TargetError(
                .system(number),
                "cannot start a process for \(program): \(SystemError.reason(for: number))"
            )
        case nil:
            return TargetError(
                .cannotRun,
                "\(PtraceTarget.shell) ended before it could run \(program) (\(ending))"
            )
        }
    }

    // MARK: What to run

    private func changedEnvironment(_ changes: [EnvironmentChange]) -> [String] {
        changes.reduce(into: processEnvironment()) { variables, change in
            variables.removeAll { $0.hasPrefix(change.name + "=") }
            if let value = change.value { variables.append("\(change.name)=\(value)") }
        }
    }

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
        let program = try findProgram(name, request.workingDirectory, environment)
        let shellLine = ShellCommand.line(
            program: program,
            arguments: request.arguments.dropFirst()
        )
        return ChildProcess.Specification(
            program: request.usesShell ? PtraceTarget.shell : program,
            arguments: request.usesShell
                ? ["sh", "-c", "exec " + shellLine] : request.arguments,
            environment: environment,
            workingDirectory: request.workingDirectory,
            disablesAddressRandomization: request.disablesAddressRandomization
        )
    }

    private func findProgram(
        _ name: String,
        _ directory: String?,
        _ environment: [String]
    ) throws(TargetError) -> String {
        guard !name.contains("/") else {
            try refuseUnfit(name, directory)
            return name
        }
        let prefix = PtraceTarget.pathVariable + "="
        let variable = environment.first { $0.hasPrefix(prefix) }
        let path = variable.map { String($0.dropFirst(prefix.utf8.count)) }
        let folders = (path ?? PtraceTarget.pathDefault).split(separator: ":")
        for folder in folders {
            let candidate = "\(folder)/\(name)"
            let isFile = (try? Files.status(ofPath: candidate))?.isRegularFile ?? false
            if isFile, Files.mayRun(candidate) { return candidate }
        }
        throw TargetError(
            .cannotRun,
            "cannot run \(name): there is no such program in the folders of PATH "
                + "(\(folders.joined(separator: ":"))); give its path"
        )
    }

    private func refuseUnfit(_ name: String, _ directory: String?) throws(TargetError) {
        let isRelative = !name.hasPrefix("/")
        let path = isRelative ? (directory.map { "\($0)/\(name)" } ?? name) : name
        let status: Files.Status
        do throws(SystemError) {
            status = try Files.status(ofPath: path)
        } catch {
            throw TargetError(.cannotRun, "cannot run \(name): \(error.reason)")
        }
        if status.isDirectory {
            throw TargetError(.cannotRun, "cannot run \(name): it is a folder")
        }
        guard Files.mayRun(path) else {
            throw TargetError(.cannotRun, "cannot run \(name): it is not executable")
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
