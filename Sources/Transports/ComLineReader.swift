internal import BrokerProtocol
internal import LinuxSystem

/// Reads the broker's lines from a descriptor, waiting no longer than asked.
final class ComLineReader {
    private let descriptor: OwnedDescriptor
    private var splitter = LineSplitter()
    /// Whether what follows a line stays in the descriptor, where poll(2) sees it.
    var leavesRest: Bool

    /// Reads lines; byte by byte when what follows them must stay in the descriptor.
    init(_ descriptor: OwnedDescriptor, leavingRest: Bool = false) {
        self.descriptor = descriptor
        leavesRest = leavingRest
    }

    /// The next line.
    ///
    /// - Parameter timeoutMilliseconds: 0 takes only what is there, nil waits for ever.
    /// - Returns: nil when none came in time, or never will because the other end is gone.
    func nextLine(timeoutMilliseconds: Int?) throws(ComError) -> BrokerLine? {
        let start = monotonicNanoseconds()
        while true {
            do {
                if let line = try splitter.nextLine() { return line }
            } catch {
                throw ComError(.broker, "The broker does not keep to its protocol: \(error)")
            }
            guard !hasEnded else { return nil }
            let left = timeoutMilliseconds.map { limit in
                max(0, limit - Int((monotonicNanoseconds() - start) / 1_000_000))
            }
            guard wait(left) else {
                if left == 0 { return nil }
                continue
            }
            fill()
        }
    }

    /// Whether the other end is gone; lines that came before are still there.
    private(set) var hasEnded = false

    private func wait(_ milliseconds: Int?) -> Bool {
        var requests = [PollRequest(descriptor.number)]
        _ = try? pollDescriptors(&requests, timeoutMilliseconds: milliseconds)
        return requests[0].isReadable
    }

    private func fill() {
        guard let bytes = try? descriptor.read(maximum: leavesRest ? 1 : 4096),
            !bytes.isEmpty
        else {
            hasEnded = true
            return
        }
        splitter.append(bytes)
    }
}
