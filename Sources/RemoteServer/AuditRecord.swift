public import DebugTarget

/// Something that a client did, or was refused, for an audit.
public struct AuditRecord: Sendable, Equatable {
    /// What it was.
    public enum Activity: String, Sendable {
        /// It attached to a process.
        case attach
        /// It started a program.
        case create
        /// It ended a process.
        case kill
        /// It opened a file for reading.
        case readFile = "read-file"
        /// It opened a file for writing, or removed one.
        case writeFile = "write-file"
        /// It wrote to memory or registers for the first time in this session.
        case writeMemory = "write-memory"
        /// Anything else that was refused.
        case refused
        /// More was done or refused than is written down.
        case limit
    }

    /// What it was.
    public var activity: Activity
    /// The process, where there is one.
    public var process: ProcessID?
    /// The program, the file, or the request; bytes of the client's, so not fit for a log as they are.
    public var subject: String
    /// Why it was refused or failed; nil when it was done.
    public var refusal: String?

    /// The record in a line, its control characters as they came.
    public var words: String {
        let place = process.map { " process \($0)" } ?? ""
        let what = subject.isEmpty ? "" : " \(subject)"
        return activity.rawValue + place + what + (refusal.map { ": \($0)" } ?? "")
    }
}

/// Passes records on, no more of them than a log can take.
final class Auditor {
    /// The most records of one session: a client must not fill a disk.
    static let recordsMax = 1_000
    /// The longest subject, in characters.
    static let subjectCharactersMax = 400

    var sink: ((AuditRecord) -> Void)?
    private var count = 0
    private var hasWritten = false

    func note(
        _ activity: AuditRecord.Activity,
        _ process: ProcessID? = nil,
        _ subject: String = "",
        refusal: String? = nil
    ) {
        guard let sink, count <= Auditor.recordsMax else { return }
        count += 1
        guard count <= Auditor.recordsMax else {
            let words = "more than \(Auditor.recordsMax) records; what follows is not written down"
            return sink(AuditRecord(activity: .limit, subject: words))
        }
        let shown = String(subject.prefix(Auditor.subjectCharactersMax))
        sink(
            AuditRecord(activity: activity, process: process, subject: shown, refusal: refusal)
        )
    }

    /// The first write to memory or registers counts for the session.
    func noteWrite(_ process: ProcessID, _ subject: @autoclosure () -> String) {
        guard !hasWritten else { return }
        hasWritten = true
        note(.writeMemory, process, subject())
    }

    /// Notes how something ended, and passes the error on.
    func noting<Answer>(
        _ activity: AuditRecord.Activity,
        _ process: ProcessID?,
        _ subject: String,
        _ body: () throws(TargetError) -> Answer
    ) throws(TargetError) -> Answer {
        do throws(TargetError) {
            let answer = try body()
            note(activity, process, subject)
            return answer
        } catch {
            note(activity, process, subject, refusal: error.message)
            throw error
        }
    }
}
