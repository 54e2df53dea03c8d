internal import Glibc

/// Writes text to standard output, all of it; what cannot be written is lost.
///
/// It waits where nobody reads, unless `PatientOutput` has begun.
public func printOut(_ text: String) {
    if PatientOutput.take(Array(text.utf8)) { return }
    writeAll(text, to: 1)
}

/// Writes text to standard error, all of it; what cannot be written is lost.
public func printError(_ text: String) {
    writeAll(text, to: 2)
}

private func writeAll(_ text: String, to descriptor: Int32) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
        let taken = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if taken > 0 {
            bytes = bytes.dropFirst(taken)
        } else if errno == EAGAIN {
            var requests = [PollRequest(descriptor, read: false, write: true)]
            guard (try? pollDescriptors(&requests)) != nil else { return }
        } else if errno != EINTR {
            return
        }
    }
}
