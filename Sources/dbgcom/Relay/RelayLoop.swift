import Glibc
import LinuxSystem

/// Something that waits for descriptors in the loop.
protocol LoopMember: AnyObject {
    /// What it waits for.
    var requests: [PollRequest] { get }
    /// Whether it has something to do without waiting.
    var isReady: Bool { get }
    /// When it wants to be asked at the latest, on the monotonic clock in nanoseconds.
    var deadline: UInt64? { get }
    /// Whether it can be forgotten.
    var isFinished: Bool { get }
    /// Does what can be done; the answers are those to its requests.
    func step(_ answers: ArraySlice<PollRequest>) throws
    /// Ends, because the program does.
    func stop()
}

extension LoopMember {
    var isReady: Bool { false }
    var deadline: UInt64? { nil }
    func stop() {}
}

/// One thread, one poll(2), any number of relays and listeners.
final class RelayLoop {
    /// How many connections are relayed at once.
    static let connectionsMax = 512
    /// How long to wait before what has failed is tried again.
    static let retryNanoseconds: UInt64 = 1_000_000_000

    private let signals: SignalDescriptor
    private var members: [any LoopMember] = []
    /// Programs that were started and whose ends nobody has seen yet; they may outlive their relays.
    private var programs: [ProgramEnd] = []
    /// What a signal that came means; false ends the loop.
    var onSignal: (Int32) -> Bool = { $0 == SIGCHLD || $0 == SIGWINCH }

    /// Blocks the signals; for the first lines of a program.
    init() throws {
        signal(SIGPIPE, SIG_IGN)
        signals = try SignalDescriptor([SIGHUP, SIGINT, SIGTERM, SIGCHLD, SIGWINCH])
    }

    func add(_ member: any LoopMember) { members.append(member) }

    /// Looks after a program until its end.
    func add(_ program: ProgramEnd) { programs.append(program) }

    /// The relays that run.
    var relays: [Relay] { members.compactMap { $0 as? Relay } }

    /// Runs until nothing is left to do or a signal ends it.
    ///
    /// - Returns: whether a signal did.
    @discardableResult
    func run() throws -> Bool {
        defer { members.forEach { $0.stop() } }
        while !members.isEmpty {
            let current = members
            var requests = [PollRequest(signals.number)]
            var ranges: [Range<Int>] = []
            for member in current {
                let begin = requests.count
                requests += member.requests
                ranges.append(begin..<requests.count)
            }
            try wait(&requests, current)
            if requests[0].isReadable {
                while let signal = signals.next() {
                    if !onSignal(signal) { return true }
                }
                programs.forEach { $0.checkEnding() }
                programs.removeAll { $0.ending != nil }
            }
            for (member, range) in zip(current, ranges) { try member.step(requests[range]) }
            members.removeAll(where: \.isFinished)
        }
        return false
    }

    private func wait(_ requests: inout [PollRequest], _ members: [any LoopMember]) throws {
        if members.contains(where: \.isReady) {
            try pollDescriptors(&requests, timeoutMilliseconds: 0)
        } else if let deadline = members.compactMap(\.deadline).min() {
            try pollDescriptors(&requests, untilMonotonicNanoseconds: deadline)
        } else {
            try pollDescriptors(&requests)
        }
    }
}

/// Does something later.
final class Pause: LoopMember {
    private let action: () -> Void
    let deadline: UInt64?
    private(set) var isFinished = false

    /// - Parameter time: when, on the monotonic clock in nanoseconds.
    init(until time: UInt64, _ action: @escaping () -> Void) {
        self.action = action
        deadline = time
    }

    var requests: [PollRequest] { [] }

    func step(_ answers: ArraySlice<PollRequest>) {
        guard !isFinished, let deadline, monotonicNanoseconds() >= deadline else { return }
        isFinished = true
        action()
    }

    func stop() { isFinished = true }
}
