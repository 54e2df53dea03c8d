import DebugEngine

/// A bar on one line of the terminal, for what takes longer than a second.
struct ProgressBar {
    /// From when on it is shown, in nanoseconds.
    static let patienceNanoseconds: UInt64 = 1_000_000_000
    /// How often it is drawn at the most, in nanoseconds.
    private static let drawNanoseconds: UInt64 = 100_000_000
    private static let cells = 30
    /// The longest title that is shown; its end says more than its beginning.
    private static let titleCharactersMax = 40

    private var start: UInt64?
    private var lastDrawn: UInt64 = 0
    private var isShown = false

    /// What to write now; nil when nothing has to be.
    mutating func text(_ title: String, _ done: UInt64, _ total: UInt64, now: UInt64) -> String? {
        let begin = start ?? now
        start = begin
        guard now - begin >= Self.patienceNanoseconds, now - lastDrawn >= Self.drawNanoseconds,
            total > 0
        else { return nil }
        lastDrawn = now
        isShown = true
        let full = Int(
            min(done, total).multipliedReportingOverflow(by: UInt64(Self.cells)).partialValue
                / total
        )
        let bar =
            String(repeating: "#", count: full) + String(repeating: ".", count: Self.cells - full)
        let short =
            title.count > Self.titleCharactersMax
            ? "…" + title.suffix(Self.titleCharactersMax - 1) : title
        return
            "\r[\(bar)] \(Format.size(done)) of \(Format.size(total)) \(short) (Ctrl+C to do without)\u{1b}[K"
    }

    /// What takes it off the screen; nil when it was never there.
    mutating func end() -> String? {
        defer { self = ProgressBar() }
        return isShown ? "\r\u{1b}[K" : nil
    }
}
