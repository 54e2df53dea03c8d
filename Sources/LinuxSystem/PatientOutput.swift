internal import Glibc
internal import Synchronization

/// Standard output of a program that must not wait for whoever reads it: a terminal that is stopped with Ctrl+S, a window
/// that hangs, a pager that nobody scrolls.
///
/// What is not taken waits here, up to `pendingBytesMax`; what comes beyond that is not shown, and the reader is told how
/// much it was. Without `begin`, `printOut` waits as write(2) does.
public enum PatientOutput {
    /// How much waits at the most, in bytes.
    public static let pendingBytesMax = 256 << 10

    private struct Backlog {
        /// Standard output opened anew, so that O_NONBLOCK is ours alone (open(2)).
        let descriptor: OwnedDescriptor
        var pending: [UInt8] = []
        var missedBytes = 0

        mutating func flush() {
            while !pending.isEmpty {
                guard let taken = try? descriptor.write(pending[...]) else {
                    // Nobody is there any more.
                    pending = []
                    return
                }
                guard taken > 0 else { return }
                pending.removeFirst(taken)
                guard pending.isEmpty, missedBytes > 0 else { continue }
                let words = "\n[\(missedBytes) bytes of output were not shown here]\n"
                missedBytes = 0
                pending = Array(words.utf8)
            }
        }

        mutating func append(_ bytes: [UInt8]) {
            flush()
            if pending.count + bytes.count > PatientOutput.pendingBytesMax {
                missedBytes += bytes.count
            } else {
                pending += bytes
                flush()
            }
        }
    }

    private static let backlog = Mutex<Backlog?>(nil)

    /// From now on nobody waits.
    ///
    /// Without effect where standard output is a file, which keeps nobody waiting, or a socket,
    /// which cannot be opened anew.
    public static func begin() {
        var status = stat()
        guard fstat(STDOUT_FILENO, &status) == 0,
            [S_IFCHR, S_IFIFO].contains(status.st_mode & S_IFMT),
            let descriptor = try? openFile(
                "/proc/self/fd/\(STDOUT_FILENO)",
                flags: O_WRONLY | O_NONBLOCK | O_NOCTTY
            )
        else { return }
        backlog.withLock { $0 = $0 ?? Backlog(descriptor: descriptor) }
    }

    /// Whether something waits to be shown, or nothing more is taken now.
    public static var isBehind: Bool {
        backlog.withLock { backlog in
            guard let backlog else { return false }
            guard backlog.pending.isEmpty else { return true }
            var requests = [PollRequest(backlog.descriptor.number, read: false, write: true)]
            return (try? pollDescriptors(&requests, timeoutMilliseconds: 0)) == false
        }
    }

    /// What to poll for while `isBehind`.
    public static var request: PollRequest {
        let number = backlog.withLock { $0?.descriptor.number } ?? -1
        return PollRequest(number, read: false, write: true)
    }

    /// Shows what can be shown now.
    public static func flush() {
        backlog.withLock { $0?.flush() }
    }

    /// Waits until all is shown; from then on everybody waits again.
    public static func end() {
        guard
            let last = backlog.withLock({ backlog in
                defer { backlog = nil }
                return backlog
            })
        else { return }
        var rest = last
        rest.flush()
        while !rest.pending.isEmpty {
            var requests = [PollRequest(rest.descriptor.number, read: false, write: true)]
            guard (try? pollDescriptors(&requests)) != nil else { return }
            rest.flush()
        }
    }

    /// - Returns: false when nobody has begun: the bytes are the caller's to write.
    static func take(_ bytes: [UInt8]) -> Bool {
        backlog.withLock { backlog in
            backlog?.append(bytes)
            return backlog != nil
        }
    }
}
