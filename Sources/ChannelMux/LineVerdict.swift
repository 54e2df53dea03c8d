/// What listens or talks on the far end of the cable, judged without sending anything to it.
public enum LineVerdict: Sendable, Equatable {
    /// Nothing has arrived.
    case silent
    /// Our own frames come back.
    case loopback
    /// A GDB remote stub without a multiplexer.
    case rawRSP
    /// A login prompt, a boot loader or a kernel console.
    case console
    /// A Windows kernel debugger (KDCOM).
    case kernelDebugger
    /// Bytes of another baud rate or other noise.
    case noise
    /// A multiplexer of other versions than ours.
    case otherVersion(lowest: Int, highest: Int)
    /// Another multiplexer's frames (GSM 07.10, PPP).
    case otherMultiplexer

    /// One sentence for people, with what to do about it.
    public var words: String {
        switch self {
        case .silent:
            "Nothing has arrived on the line yet; the other side may not be started or connected."
        case .loopback:
            "Our own frames come back: a loopback plug, or an echoing console, is on the line."
        case .rawRSP:
            "The other side speaks plain GDB remote protocol (gdbserver, kgdb) without a multiplexer."
        case .console:
            "A console (login, boot loader or kernel messages) is on the line, not a multiplexer."
        case .kernelDebugger:
            "The other side speaks the Windows kernel debugger protocol (KD)."
        case .noise:
            "What arrives is noise: another baud rate or parity, or a cable that is not connected."
        case .otherVersion(let lowest, let highest):
            "The other side's multiplexer speaks versions \(lowest) to \(highest), not ours."
        case .otherMultiplexer:
            "The other side speaks another multiplexer's frames (GSM 07.10 or PPP)."
        }
    }
}
