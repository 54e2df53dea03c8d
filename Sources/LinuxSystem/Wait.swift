internal import CLinuxShims
internal import Glibc

/// What wait(2) says of a tracee.
public enum WaitStatus: Sendable, Equatable {
    /// It ended by exit(2).
    case exited(status: Int32)
    /// A signal ended it.
    case terminated(signal: Int32)
    /// A signal is about to be delivered to it.
    case signalled(Int32)
    /// It stands at an event (`PTRACE_EVENT_…`).
    case event(Event, signal: Int32)
    /// It enters or leaves a system call.
    case systemCall

    /// The events of ptrace(2).
    public enum Event: Int32, Sendable {
        /// `PTRACE_EVENT_FORK`.
        case fork = 1
        /// `PTRACE_EVENT_VFORK`.
        case vfork = 2
        /// `PTRACE_EVENT_CLONE`.
        case clone = 3
        /// `PTRACE_EVENT_EXEC`.
        case exec = 4
        /// `PTRACE_EVENT_VFORK_DONE`.
        case vforkDone = 5
        /// `PTRACE_EVENT_EXIT`.
        case exit = 6
        /// `PTRACE_EVENT_SECCOMP`.
        case seccomp = 7
        /// `PTRACE_EVENT_STOP`: interrupted, a new tracee, or a group stop (then the signal says so).
        case stop = 128
    }

    /// Decodes the number wait(2) fills in.
    public init(rawValue status: Int32) {
        let low = status & 0x7f
        if low == 0 {
            self = .exited(status: (status >> 8) & 0xff)
        } else if low != 0x7f {
            self = .terminated(signal: low)
        } else {
            let signal = (status >> 8) & 0xff
            if let event = Event(rawValue: (status >> 16) & 0xffff) {
                self = .event(event, signal: signal)
            } else if signal == SIGTRAP | 0x80 {
                self = .systemCall
            } else {
                self = .signalled(signal)
            }
        }
    }
}

/// wait(2) for the tracees and children of the calling thread only.
public enum TraceeWait {
    /// Takes the next change of state.
    ///
    /// - Parameters:
    ///   - thread: whose; nil for any.
    ///   - blocks: whether to wait for one.
    /// - Returns: whose state changed and how; nil when there is none (any more).
    public static func next(
        of thread: Int32? = nil,
        blocks: Bool = false
    ) -> (thread: Int32, status: WaitStatus)? {
        var status: Int32 = 0
        while true {
            let answer = clinux_wait_tracees(thread ?? -1, &status, blocks ? 1 : 0)
            if answer > 0 { return (answer, WaitStatus(rawValue: status)) }
            // 0: nothing yet; ECHILD: no tracee is left.
            if answer == 0 || errno != EINTR { return nil }
        }
    }
}

/// A descriptor that shows readable when a child or tracee changed its state (SIGCHLD).
public final class ChildSignalDescriptor {
    private let descriptor: OwnedDescriptor

    /// Blocks SIGCHLD in the calling thread and opens a signalfd(2) for it.
    public init() throws(SystemError) {
        let number = clinux_child_signal_descriptor()
        guard number >= 0 else { throw SystemError("signalfd") }
        descriptor = OwnedDescriptor(number)
    }

    /// For poll(2).
    public var number: Int32 { descriptor.number }

    /// Makes the descriptor readable.
    public func raise() {
        _ = Glibc.raise(SIGCHLD)
    }

    /// Takes what is there, so that the descriptor shows readable again only for something new.
    public func drain() {
        // One is enough: signals of one number coalesce. 128 bytes is a signalfd_siginfo.
        _ = try? descriptor.read(maximum: 128)
    }
}
