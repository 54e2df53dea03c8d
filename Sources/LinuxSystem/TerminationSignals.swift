internal import Glibc

/// SIGHUP, SIGINT and SIGTERM as something to poll for, so that a program can end in order.
public struct TerminationSignals: Sendable {
    private let signals: SignalDescriptor

    /// Blocks the signals in this thread and those started later, and ignores SIGPIPE.
    ///
    /// For the first lines of a program: threads that run already are not reached. What whoever started
    /// the program had it ignore (nohup(1), a script's background job) stays ignored.
    public init() throws(SystemError) {
        signal(SIGPIPE, SIG_IGN)
        signals = try SignalDescriptor([SIGHUP, SIGINT, SIGTERM])
    }

    /// Readable once one of the signals has come.
    public var descriptor: Int32 { signals.number }

    /// Waits for one of the signals, or until another descriptor is readable.
    public func wait(or other: OwnedDescriptor? = nil) throws(SystemError) {
        var requests = [PollRequest(signals.number), PollRequest(other?.number ?? -1)]
        while !requests.contains(where: \.isReadable) { try pollDescriptors(&requests) }
    }
}
