internal import Glibc

/// A file descriptor with one owner, closed when the owner lets go of it.
public final class OwnedDescriptor: Sendable {
    /// The number, valid as long as this object lives.
    public let number: Int32

    /// Takes ownership of an open descriptor.
    public init(_ number: Int32) {
        precondition(number >= 0, "an owned descriptor is an open one")
        self.number = number
    }

    /// Makes another descriptor of the same open file, close-on-exec.
    public convenience init(duplicating other: Int32) throws(SystemError) {
        self.init(try systemCall("fcntl") { fcntl(other, F_DUPFD_CLOEXEC, 3) })
    }

    deinit {
        Glibc.close(number)
    }

    /// Makes reads and writes answer EAGAIN instead of waiting.
    public func setNonBlocking(_ on: Bool = true) throws(SystemError) {
        let flags = try systemCall("fcntl") { fcntl(number, F_GETFL) }
        let wanted = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK
        try systemCall("fcntl") { fcntl(number, F_SETFL, wanted) }
    }

    /// A copy of the descriptor, closed on exec, whose closing is the caller's affair.
    public func duplicateNumber() throws(SystemError) -> Int32 {
        try systemCall("fcntl") { fcntl(number, F_DUPFD_CLOEXEC, Int32(0)) }
    }

    /// Puts the open file under another number too, in place of what is open there (dup2(2)).
    public func become(_ other: Int32) throws(SystemError) {
        try systemCall("dup2") { dup2(number, other) }
    }

    /// Reads once.
    ///
    /// - Returns: the bytes; empty at the end of the stream; nil when there are none yet (EAGAIN).
    public func read(maximum: Int) throws(SystemError) -> [UInt8]? {
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: maximum) { buffer, count in
            var taken = 0
            repeat {
                taken = Glibc.read(number, buffer.baseAddress, maximum)
            } while taken < 0 && errno == EINTR
            if taken < 0 { failure = errno }
            count = max(taken, 0)
        }
        if failure == EAGAIN { return nil }
        if failure != 0 { throw SystemError("read", errorNumber: failure) }
        return bytes
    }

    /// Writes once.
    ///
    /// - Returns: how many bytes were taken; 0 when none can be now (EAGAIN).
    public func write(_ bytes: ArraySlice<UInt8>) throws(SystemError) -> Int {
        var failure: Int32 = 0
        let taken = bytes.withUnsafeBytes { buffer in
            var written = 0
            repeat {
                written = Glibc.write(number, buffer.baseAddress, buffer.count)
            } while written < 0 && errno == EINTR
            if written < 0 { failure = errno }
            return written
        }
        if taken >= 0 { return taken }
        if failure == EAGAIN { return 0 }
        throw SystemError("write", errorNumber: failure)
    }
}
