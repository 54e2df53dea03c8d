// Who may connect now. Pure: peers are names, time is nanoseconds that the caller reads.
//
// Two things are held down: guesses at a password, by a wait that doubles with each wrong one, per peer; and
// connections that say nothing, which would take the places of those who have something to say.

/// The server's book of its peers.
public struct PeerLimits: Sendable {
    /// The numbers.
    public struct Limits: Sendable, Equatable {
        /// Sessions at once.
        public var sessionsMax = 256
        /// Sessions of one peer at once.
        public var sessionsPerPeerMax = 64
        /// Connections that have not been greeted yet.
        public var greetingsMax = 96
        /// Connections of one peer that have not been greeted yet.
        public var greetingsPerPeerMax = 24
        /// Wrong passwords that cost no wait: slips of the finger.
        public var freeFailures = 2
        /// The first wait, in seconds; it doubles with each further wrong password.
        public var firstWaitSeconds = 1
        /// The longest wait, in seconds.
        public var waitSecondsMax = 60
        /// After how many seconds without a wrong password a peer's are forgotten.
        public var memorySeconds = 600
        /// How many peers' wrong passwords are remembered.
        public var failedPeersMax = 1024

        /// The usual numbers.
        public init() {}
    }

    /// Whether a new connection may have a session.
    public enum Verdict: Sendable, Equatable {
        /// It may.
        case admitted
        /// All places are taken.
        case full(sessions: Int)
        /// This peer has all the places that one peer gets.
        case peerFull(sessions: Int)
        /// Too many connections have not been greeted.
        case tooManyGreetings
        /// It gave wrong passwords and has to wait.
        case mustWait(seconds: Int)
        /// It gave wrong passwords and gets one attempt at a time.
        case oneAtATime
    }

    private struct Failures {
        var count: Int
        var last: UInt64
        var blockedUntil: UInt64
    }

    private struct Presence {
        var sessions = 0
        var greetings = 0
    }

    private let limits: Limits
    private var present: [String: Presence] = [:]
    private var failures: [String: Failures] = [:]
    private var total = Presence()

    /// An empty book.
    public init(_ limits: Limits = Limits()) {
        self.limits = limits
    }

    /// How many sessions there are, greeted or not.
    public var sessionCount: Int { total.sessions }
    /// How many of them have not been greeted.
    public var greetingCount: Int { total.greetings }

    /// Decides on a new connection, without entering it.
    public func verdict(on peer: String, at now: UInt64) -> Verdict {
        let here = present[peer] ?? Presence()
        if let record = failures[peer], isRemembered(record, now) {
            if now < record.blockedUntil {
                return .mustWait(seconds: Int((record.blockedUntil - now - 1) / 1_000_000_000) + 1)
            }
            if record.count >= limits.freeFailures, here.greetings > 0 { return .oneAtATime }
        }
        if total.sessions >= limits.sessionsMax { return .full(sessions: total.sessions) }
        if here.sessions >= limits.sessionsPerPeerMax { return .peerFull(sessions: here.sessions) }
        if total.greetings >= limits.greetingsMax || here.greetings >= limits.greetingsPerPeerMax {
            return .tooManyGreetings
        }
        return .admitted
    }

    /// Enters a connection that was admitted; it has not been greeted.
    public mutating func enter(_ peer: String) {
        change(peer) { presence in
            presence.sessions += 1
            presence.greetings += 1
        }
    }

    /// A connection of this peer has been greeted.
    public mutating func greeted(_ peer: String) {
        change(peer) { $0.greetings -= 1 }
    }

    /// A connection of this peer has ended.
    public mutating func leave(_ peer: String, wasGreeted: Bool) {
        change(peer) { presence in
            presence.sessions -= 1
            if !wasGreeted { presence.greetings -= 1 }
        }
    }

    private mutating func change(_ peer: String, _ apply: (inout Presence) -> Void) {
        var here = present[peer] ?? Presence()
        apply(&here)
        precondition(here.sessions >= 0 && here.greetings >= 0, "who leaves has entered")
        present[peer] = here.sessions == 0 ? nil : here
        apply(&total)
    }

    /// A peer gave a wrong password.
    public mutating func failed(_ peer: String, at now: UInt64) {
        let count = failures[peer].map { isRemembered($0, now) ? $0.count : 0 } ?? 0
        if failures[peer] == nil { makeRoom(now) }
        let doublings = count - limits.freeFailures
        var waitSeconds = 0
        if doublings >= 0 {
            let grown = limits.firstWaitSeconds << min(doublings, 20)
            waitSeconds = min(grown, limits.waitSecondsMax)
        }
        failures[peer] = Failures(
            count: count + 1,
            last: now,
            blockedUntil: now + UInt64(waitSeconds) * 1_000_000_000
        )
    }

    /// A peer gave the right password: its slips are forgiven.
    public mutating func succeeded(_ peer: String) {
        failures[peer] = nil
    }

    /// How many peers' wrong passwords are remembered.
    public var failedPeerCount: Int { failures.count }

    private func isRemembered(_ record: Failures, _ now: UInt64) -> Bool {
        now < record.last + UInt64(limits.memorySeconds) * 1_000_000_000
    }

    /// Forgets what is old, and of a full table the peer whose wait is over first.
    private mutating func makeRoom(_ now: UInt64) {
        guard failures.count >= limits.failedPeersMax else { return }
        failures = failures.filter { isRemembered($0.value, now) }
        guard failures.count >= limits.failedPeersMax else { return }
        let first = failures.min { one, other in
            (one.value.blockedUntil, one.value.last, one.key)
                < (other.value.blockedUntil, other.value.last, other.key)
        }
        if let first { failures[first.key] = nil }
    }
}
