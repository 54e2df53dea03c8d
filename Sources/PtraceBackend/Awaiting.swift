public import DebugTarget
internal import LinuxSystem

/// A program that is waited for.
struct AwaitedProgram {
    /// How often the machine is looked over.
    static let lookMilliseconds = 5

    var name: String
    /// Processes that ran it before, or that could not be attached to.
    var known: Set<Int32>
    var timer: IntervalTimer
}

extension PtraceTarget: ProcessAwaiting {
    /// Attaches to the next process whose program has that file name; an event follows.
    public func awaitProcess(named name: String) throws(TargetError) {
        awaited = try translating { () throws(SystemError) in
            AwaitedProgram(
                name: name,
                known: Set(try ProcFS.processes().filter { Machine.fileName(of: $0) == name }),
                timer: try IntervalTimer(milliseconds: AwaitedProgram.lookMilliseconds)
            )
        }
        isInterruptRequested = false
        watch(awaited?.timer.number)
    }

    /// Looks for the awaited program.
    func lookForAwaited() {
        guard let program = awaited else { return }
        program.timer.drain()
        if isInterruptRequested {
            isInterruptRequested = false
            awaited = nil
            queue.append(.noneResumed)
            return
        }
        for process in (try? ProcFS.processes()) ?? [] where !program.known.contains(process) {
            // Any process may become that program by exec: all are looked at again and again.
            guard Machine.fileName(of: process) == program.name else { continue }
            guard let thread = try? attach(to: ProcessID(process)) else {
                awaited?.known.insert(process)
                continue
            }
            awaited = nil
            queue.append(.stopped(thread, .attached))
            return
        }
    }
}
