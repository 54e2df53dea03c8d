public import DebugTarget
internal import LinuxSystem

/// A program that is started and not debugged (`dbgsrv -c` and `-cs`).
///
/// It gets a session of its own, so that the end of the server or of the server's terminal is not its end;
/// its standard input is /dev/null, its output and errors are the server's.
public enum FreeProgram {
    /// How long it gets to become the program, or to stop.
    static let deadlineMilliseconds = 5_000

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - arguments: argv, byte for byte; the first names the program and is looked up in PATH.
    ///   - environment: changes to the server's environment.
    ///   - isSuspended: whether it is left stopped (as by SIGSTOP) before its first instruction: SIGCONT, or
    ///     a debugger that sends it, sets it going. Nobody traces it then.
    /// - Returns: its process id; it is a child of the caller.
    public static func start(
        _ arguments: [[UInt8]],
        environment changes: [EnvironmentChange],
        isSuspended: Bool
    ) throws(TargetError) -> ProcessID {
        let environment = ProgramPath.environment(changedBy: changes)
        let name = String(decoding: arguments.first ?? [], as: UTF8.self)
        let specification = ChildProcess.Specification(
            program: try ProgramPath.find(name, in: nil, environment),
            arguments: arguments,
            environment: environment,
            workingDirectory: nil,
            disablesAddressRandomization: false,
            startsSession: true
        )
        do {
            return try start(specification, name, isSuspended: isSuspended)
        } catch let error as SystemError {
            throw TargetError(.system(error.errorNumber), "cannot start \(name): \(error)")
        } catch let error as TargetError {
            throw error
        } catch {
            throw TargetError(.invalid, "cannot start \(name): \(error)")
        }
    }

    private static func start(
        _ specification: ChildProcess.Specification,
        _ name: String,
        isSuspended: Bool
    ) throws -> ProcessID {
        let child = try ChildProcess(specification)
        let id = child.processID
        do {
            if isSuspended {
                try Ptrace.seize(id, options: [.exec, .exitKill])
                try child.proceed()
                try stopAtBeginning(id)
            } else {
                try child.proceed()
                try child.waitForOutcome(milliseconds: deadlineMilliseconds)
            }
            if let failure = child.failure() { throw LaunchFailure.error(failure, name) }
        } catch {
            try? signalProcess(id, Signal.kill.rawValue)
            ProgramLauncher.waitForEnd(of: id)
            throw error
        }
        return ProcessID(id)
    }

    /// Takes a seized child through its execve(2) and leaves it stopped and untraced behind it.
    private static func stopAtBeginning(_ id: Int32) throws {
        let deadline = monotonicNanoseconds() + UInt64(deadlineMilliseconds) * 1_000_000
        while true {
            switch TraceeWait.next(of: id)?.status {
            case .event(.exec, _)?:
                // It waits until the system call returns, which is when the program would begin.
                try signalProcess(id, Signal.stop.rawValue)
                try Ptrace.detach(id, signal: 0)
                return try awaitStop(of: id, until: deadline)
            case .exited?, .terminated?:
                // The child has said why through its pipe.
                return
            case .signalled(let signal)?: try Ptrace.resume(id, .run, signal: signal)
            case .some: try Ptrace.resume(id, .run, signal: 0)
            case nil: try waitALittle(until: deadline)
            }
        }
    }

    private static func awaitStop(of id: Int32, until deadline: UInt64) throws {
        while ProcFS.statistics(of: id)?.state != "T" { try waitALittle(until: deadline) }
    }

    private static func waitALittle(until deadline: UInt64) throws {
        guard monotonicNanoseconds() < deadline else {
            let limit = deadlineMilliseconds / 1_000
            throw TargetError(.cannotRun, "execve(2) has not started it in \(limit) s")
        }
        var nothing: [PollRequest] = []
        try pollDescriptors(&nothing, timeoutMilliseconds: 1)
    }
}
