/// Counts the time for which a debugger has been owed an answer.
///
/// gdb gives up after 2 seconds without a byte, three times over, and from then on takes late replies for
/// those to later requests; lldb gives up after 5 seconds and ends the connection.
struct AnswerWatch {
    /// What is to be done.
    enum Action: Equatable {
        /// Send the debugger a byte that it passes over.
        case keepalive
        /// Tell the user as well.
        case notice(seconds: Int)
    }

    private static let keepaliveNanoseconds: UInt64 = 500_000_000
    private static let noticeNanoseconds: UInt64 = 5_000_000_000

    private var silentSince: UInt64?
    private var lastByte: UInt64 = 0
    private var hasNoticed = false

    /// Takes note of what was carried.
    ///
    /// - Returns: for how many seconds the user, who was told, had to wait; nil in every other case.
    mutating func carried(toDebugger: Bool, owesAnswer: Bool, at now: UInt64) -> Int? {
        let waited = silentSince.map { Int((now - $0) / 1_000_000_000) }
        let isOver = silentSince != nil && (toDebugger || !owesAnswer)
        if !owesAnswer {
            silentSince = nil
        } else if silentSince == nil || toDebugger {
            silentSince = now
            lastByte = now
        }
        guard isOver, hasNoticed else { return nil }
        hasNoticed = false
        return waited
    }

    /// When `expire` wants to be called; nil while nothing is owed.
    var deadline: UInt64? {
        silentSince == nil ? nil : lastByte + Self.keepaliveNanoseconds
    }

    /// What is to be done now.
    mutating func expire(at now: UInt64) -> Action? {
        guard let silentSince, let deadline, now >= deadline else { return nil }
        lastByte = now
        guard !hasNoticed, now - silentSince >= Self.noticeNanoseconds else { return .keepalive }
        hasNoticed = true
        return .notice(seconds: Int((now - silentSince) / 1_000_000_000))
    }
}
