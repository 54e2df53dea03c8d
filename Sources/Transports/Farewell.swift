public import ByteTransport
public import LinuxSystem

/// The end of a connection whose client was refused.
public enum Farewell {
    /// How long a client that was refused may take to read why, in milliseconds.
    static let milliseconds = 2_000
    /// How many bytes of a refused client are thrown away at most.
    static let bytesMax = 1 << 20

    /// Ends this direction and waits until the client has read what was said: closing first, with bytes of the
    /// client's unread, would reset a TCP connection and might take our words along.
    public static func say(
        on transport: any ByteTransport,
        _ endSignals: SignalDescriptor
    ) throws(SystemError) {
        transport.finishWriting()
        transport.flush()
        let limit = monotonicNanoseconds() + UInt64(milliseconds) * 1_000_000
        var left = bytesMax
        while left > 0, monotonicNanoseconds() < limit {
            switch transport.read(maximum: 65_536) {
            case .ended: return
            case .bytes(let bytes): left -= bytes.count
            case .wouldBlock:
                var requests = [
                    PollRequest(transport.descriptor), PollRequest(endSignals.number),
                ]
                let wait = transport.hasBufferedInput ? 0 : limit
                try pollDescriptors(&requests, untilMonotonicNanoseconds: wait)
                if requests[1].isReadable, endSignals.next() != nil { return }
            }
        }
    }
}
