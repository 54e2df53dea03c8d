internal import LinuxSystem

/// The user, while the client waits for its peer: may wish to stop (Ctrl+C), and wants to know why nothing moves.
public protocol WaitObserver: AnyObject {
    /// Shows readable in poll(2) when the user has interrupted since `interruptCount` was last asked.
    var interruptDescriptor: Int32 { get }
    /// How many interrupts have come that no command has taken yet; looking takes none.
    var interruptCount: Int { get }

    /// Called about every second of a wait in which nothing comes.
    ///
    /// - Parameters:
    ///   - peer: who is waited for.
    ///   - milliseconds: for how long nothing has come.
    ///   - trouble: what is known to be wrong with the line.
    func nothingComes(from peer: String, for milliseconds: Int, trouble: String?)

    /// Called when something came after all.
    func replyCame(from peer: String)
}

/// How much longer one wait may last.
struct Patience {
    enum Verdict {
        case goOn
        case tooLong
        case interrupted
    }

    /// When the wait is over whatever happens, as far as is known now.
    private(set) var end: UInt64
    private let graceNanoseconds: UInt64
    /// Interrupts from before the request: they are for the command, of which this is a part.
    private let earlierInterrupts: Int
    private var isInterrupted = false

    init(_ link: PacketLink, earlierInterrupts: Int, limitMilliseconds: Int) {
        graceNanoseconds = UInt64(link.interruptGraceMilliseconds) * 1_000_000
        self.earlierInterrupts = earlierInterrupts
        end = monotonicNanoseconds() + UInt64(limitMilliseconds) * 1_000_000
    }

    mutating func verdict(_ interrupts: (any WaitObserver)?) -> Verdict {
        let count = interrupts?.interruptCount ?? 0
        let now = monotonicNanoseconds()
        if count > 0, !isInterrupted {
            isInterrupted = true
            end = min(end, now + graceNanoseconds)
        }
        if count >= earlierInterrupts + 2 { return .interrupted }
        if now < end { return .goOn }
        return isInterrupted ? .interrupted : .tooLong
    }
}
