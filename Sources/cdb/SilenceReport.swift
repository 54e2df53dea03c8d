/// Decides what the user hears while nothing comes from the far end.
struct SilenceReport {
    /// How long a reply may take before the user is told that it is missed, in milliseconds.
    static let replyMilliseconds = 5000
    /// The same after Ctrl+C while the target runs.
    static let stopMilliseconds = 3000

    /// What is waited for.
    enum Wait: Equatable {
        /// The reply to a request.
        case reply
        /// An event of a running target, which may take for ever.
        case event
        /// The stop after Ctrl+C.
        case stop
    }

    private var trouble: String?
    /// What the user has been told is missing.
    private var told: Wait?

    /// What to say now, if anything: a change of the line's state always, a long wait once.
    mutating func sentence(
        _ wait: Wait,
        from peer: String,
        for milliseconds: Int,
        trouble now: String?
    ) -> String? {
        if now != trouble {
            trouble = now
            told = now == nil ? nil : wait
            guard let now else { return "*** \(peer): the line is up again" }
            return "*** \(peer): the line is down: \(now)\(Self.advice(wait))"
        }
        guard told != wait, milliseconds >= Self.limit(wait) else { return nil }
        told = wait
        let missing = wait == .stop ? "the target has not stopped" : "no answer"
        return "*** \(peer): \(missing) for \(milliseconds / 1000) s\(Self.advice(wait))"
    }

    /// What to say when something has come: the line that was down must be up.
    mutating func end(peer: String) -> String? {
        told = nil
        defer { trouble = nil }
        return trouble.map { _ in "*** \(peer): the line is up again" }
    }

    private static func limit(_ wait: Wait) -> Int {
        switch wait {
        case .reply: replyMilliseconds
        case .event: .max
        case .stop: stopMilliseconds
        }
    }

    private static func advice(_ wait: Wait) -> String {
        switch wait {
        case .reply: "; Ctrl+C gives the connection up"
        case .event: ""
        case .stop: "; Ctrl+C again, a little later, gives the connection up"
        }
    }
}
