internal import CLinuxShims

/// Signals read from a descriptor instead of interrupting the program (signalfd(2)).
///
/// The signals are blocked for the thread that opens it; open it before other threads start.
public final class SignalDescriptor: Sendable {
    private let descriptor: OwnedDescriptor

    /// Blocks the signals and collects them.
    public init(_ signals: [Int32]) throws(SystemError) {
        descriptor = OwnedDescriptor(
            try systemCall("signalfd") { clinux_open_signalfd(signals, Int32(signals.count)) }
        )
    }

    /// Shows readable in poll(2) when a signal is pending.
    public var number: Int32 { descriptor.number }

    /// Takes a pending signal's number, or nil when there is none; never waits.
    public func next() -> Int32? {
        let signal = clinux_take_signal(descriptor.number)
        return signal > 0 ? signal : nil
    }
}

/// Has a signal sent to this process when its parent ends (prctl(2), PR_SET_PDEATHSIG).
///
/// A parent that has ended before the call sends nothing; compare getppid(2) with the expected one.
public func requestSignalAtParentsDeath(_ signal: Int32) throws(SystemError) {
    try systemCall("prctl") { clinux_set_parent_death_signal(signal) }
}
