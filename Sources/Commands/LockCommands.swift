internal import DebugEngine
internal import DebugTarget
internal import Symbols

let lockCommands: [Command] = [
    Command(
        names: ["!locks"],
        usage: "!locks",
        summary:
            "show which threads wait for locks (futexes), and who holds them where glibc tells",
        details: """
            A thread that stands in the system call futex waits for a word in memory. Where that is in a
            pthread_mutex_t, glibc notes the owner's thread id two words further on. Threads that wait for
            each other in a circle are a deadlock, which is said.
            """,
        run: { try showLocks(&$0) }
    )
]

/// A thread that waits for a futex.
struct LockWait {
    var thread: ThreadState
    /// The word it waits for.
    var address: UInt64
    /// What is waited for, by the name of the function that waits.
    var kind: String
    /// Who holds it, where that is known.
    var owner: ThreadState?
}

extension DebugSession {
    /// futex(2)'s numbers.
    private static let futexNumbers: [Architecture: UInt64] = [.x86_64: 202, .arm64: 98]

    /// The threads of a process that wait for futexes.
    func lockWaits(of process: ProcessState) throws -> [LockWait] {
        let description = try target.targetDescription(of: process.id)
        guard let number = Self.futexNumbers[description.architecture] else { return [] }
        let isArm = description.architecture == .arm64
        return process.threads.compactMap { thread in
            guard let view = try? registers(of: thread),
                view.value(isArm ? "x8" : "orig_rax") == number,
                let address = view.value(isArm ? "x0" : "rdi"),
                let operation = view.value(isArm ? "x1" : "rsi"), waits(operation & 0x7f)
            else { return nil }
            return lockWait(thread, address, process)
        }
    }

    /// FUTEX_WAIT, FUTEX_LOCK_PI, FUTEX_WAIT_BITSET, FUTEX_WAIT_REQUEUE_PI, FUTEX_LOCK_PI2.
    private func waits(_ operation: UInt64) -> Bool { [0, 6, 9, 11, 13].contains(operation) }

    private func lockWait(
        _ thread: ThreadState,
        _ address: UInt64,
        _ process: ProcessState
    ) -> LockWait {
        let names = ((try? stack(of: thread, maximum: 8)) ?? []).compactMap {
            symbolicAddress($0.registers.lookupAddress, in: process)?.symbol
        }
        func has(_ part: String) -> Bool { names.contains { $0.contains(part) } }
        if has("cond_wait") || has("cond_timedwait") || has("cond_clockwait") {
            return LockWait(thread: thread, address: address, kind: "condition variable")
        }
        if has("join") || has("clockjoin") {
            let other = process.threads.first { joined in
                (try? readMemory(at: address, count: 4)).map { LittleEndian.value($0) }
                    == UInt64(truncatingIfNeeded: joined.id.number)
            }
            return LockWait(thread: thread, address: address, kind: "end of a thread", owner: other)
        }
        if has("rwlock") { return LockWait(thread: thread, address: address, kind: "rwlock") }
        if has("sem_") { return LockWait(thread: thread, address: address, kind: "semaphore") }
        guard has("mutex") || has("lll_lock") else {
            return LockWait(thread: thread, address: address, kind: "futex")
        }
        // pthread_mutex_t: the lock's word, the count, the owner's thread id.
        let bytes = (try? readMemory(at: address &+ 8, count: 4)) ?? []
        let owner = process.threads.first {
            bytes.count == 4
                && UInt64(truncatingIfNeeded: $0.id.number) == LittleEndian.value(bytes)
        }
        return LockWait(thread: thread, address: address, kind: "mutex", owner: owner)
    }
}

private func showLocks(_ call: inout CommandCall) throws {
    let process = try call.process()
    try call.requireEnd()
    try call.session.refreshThreads(of: process)
    let waits = try call.session.lockWaits(of: process)
    for wait in waits {
        let name = call.session.symbolText(wait.address).map { " \($0)" } ?? ""
        call.output.line(
            "Thread \(threadText(wait.thread)) waits for the \(wait.kind) at "
                + "\(Format.address(wait.address))\(name)"
        )
        if let owner = wait.owner {
            let verb = wait.kind == "end of a thread" ? "which is thread" : "held by thread"
            call.output.line("    \(verb) \(threadText(owner))")
        }
    }
    if waits.isEmpty { call.output.line("No thread waits for a lock") }
    deadlocks(waits).forEach { call.output.line($0, .warning) }
    call.output.line()
    call.output.line("Scanned \(process.threads.count) threads, \(waits.count) of them wait")
}

private func threadText(_ thread: ThreadState) -> String {
    let id = Format.hex(UInt64(truncatingIfNeeded: thread.id.number))
    return "~\(thread.number) (\(id)\(thread.name.isEmpty ? "" : " \"\(thread.name)\""))"
}

/// Circles of threads each of which waits for the next.
func deadlocks(_ waits: [LockWait]) -> [String] {
    var next: [Int: Int] = [:]
    for wait in waits { next[wait.thread.number] = wait.owner?.number }
    var found: [String] = []
    var known: Set<Int> = []
    for start in waits.map(\.thread.number) where !known.contains(start) {
        var path: [Int] = []
        var current: Int? = start
        while let thread = current, !path.contains(thread) {
            path.append(thread)
            current = next[thread]
        }
        guard let meeting = current, let index = path.firstIndex(of: meeting),
            !known.contains(meeting)
        else { continue }
        let circle = path[index...]
        known.formUnion(circle)
        let text = (circle + [meeting]).map { "~\($0)" }.joined(separator: " waits for ")
        found.append("DEADLOCK: \(text)")
    }
    return found
}
