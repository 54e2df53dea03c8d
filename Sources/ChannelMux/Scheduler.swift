import WireCore

/// Slots waiting for their turn, each at most once.
struct SlotQueue: Sendable {
    private var slots: [Int] = []
    private var head = 0

    var isEmpty: Bool { head == slots.count }
    var count: Int { slots.count - head }
    var first: Int? { isEmpty ? nil : slots[head] }

    mutating func append(_ slot: Int) { slots.append(slot) }

    mutating func removeFirst() {
        head += 1
        if head == slots.count || head >= 1024 {
            slots.removeFirst(head)
            head = 0
        }
    }

    mutating func remove(_ slot: Int) {
        slots = slots[head...].filter { $0 != slot }
        head = 0
    }
}

/// Whose turn it is: deficit round robin among connections with a backlog, and before them those that had
/// none (RFC 8290 calls these new flows).
///
/// Sparse connections go first only until they are `leadFrames` frames ahead of the others together; then
/// both kinds take turns, so that no number of chatty connections stops a transfer.
struct Scheduler: Sendable {
    private static let leadFrames = 8

    var sparse = SlotQueue()
    var bulk = SlotQueue()
    private var lead = 0

    /// Whether the next turn is a sparse connection's.
    private func prefersSparse(quantum: Int) -> Bool {
        if sparse.isEmpty { return false }
        return bulk.isEmpty || lead < Self.leadFrames * quantum
    }

    var isEmpty: Bool { sparse.isEmpty && bulk.isEmpty }

    /// Whose turn it is.
    func first(quantum: Int) -> (slot: Int, isSparse: Bool)? {
        if prefersSparse(quantum: quantum), let slot = sparse.first { return (slot, true) }
        return bulk.first.map { ($0, false) }
    }

    /// Counts what was sent.
    mutating func sent(bytes: Int, isSparse: Bool) {
        if isSparse {
            lead = bulk.isEmpty ? 0 : lead + bytes
        } else {
            lead = max(0, lead - bytes)
        }
    }

    mutating func remove(_ slot: Int, from queue: Connection.Queue) {
        switch queue {
        case .none: break
        case .sparse: sparse.remove(slot)
        case .bulk: bulk.remove(slot)
        }
    }
}

/// Who has used the line lately, in either direction.
struct LineUse: Sendable {
    private static let recentNanoseconds: UInt64 = 3_000_000_000

    private struct Use: Sendable {
        var slot: Int
        var at: MonotonicInstant
    }
    private var latest: Use?
    private var former: Use?
    private var sparse: Use?

    mutating func note(_ slot: Int, isSparse: Bool, at now: MonotonicInstant) {
        if latest?.slot == slot {
            latest?.at = now
        } else {
            former = latest
            latest = Use(slot: slot, at: now)
        }
        if isSparse { sparse = Use(slot: slot, at: now) }
    }

    /// Whether an interactive connection shares the line with another one.
    func isInteractive(at now: MonotonicInstant) -> Bool {
        guard let sparse, isRecent(sparse, now) else { return false }
        if let latest, latest.slot != sparse.slot, isRecent(latest, now) { return true }
        if let former, former.slot != sparse.slot, isRecent(former, now) { return true }
        return false
    }

    private func isRecent(_ use: Use, _ now: MonotonicInstant) -> Bool {
        now.nanoseconds(since: use.at) < Self.recentNanoseconds
    }
}

/// A control chunk that waits to be sent; what can change until then is filled in when it is.
struct ControlItem: Sendable, Equatable {
    enum Kind: Sendable, Equatable {
        case open
        case accept
        case credit
        case fixed(Chunk)
    }

    var id: ConnectionID
    var kind: Kind
}

/// First in, first out.
struct FIFO<Element: Sendable>: Sendable {
    private var elements: [Element] = []
    private var head = 0

    var isEmpty: Bool { head == elements.count }
    var count: Int { elements.count - head }
    var first: Element? { isEmpty ? nil : elements[head] }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func popFirst() -> Element? {
        guard !isEmpty else { return nil }
        let element = elements[head]
        head += 1
        if head == elements.count {
            elements.removeAll(keepingCapacity: true)
            head = 0
        } else if head >= 256 {
            elements.removeFirst(head)
            head = 0
        }
        return element
    }

    mutating func removeAll() {
        elements = []
        head = 0
    }
}
