internal import CLinuxShims
internal import Glibc

/// One descriptor's part in a poll(2).
public struct PollRequest: Sendable {
    /// The descriptor; negative ones are passed over.
    public var descriptor: Int32
    /// Whether to wake when it can be read.
    public var wantsRead: Bool
    /// Whether to wake when it can be written.
    public var wantsWrite: Bool
    /// Afterwards: it can be read, or a read will tell that it ended.
    public var isReadable = false
    /// Afterwards: it can be written, or a write will tell that it broke.
    public var isWritable = false

    /// Asks about a descriptor.
    public init(_ descriptor: Int32, read: Bool = true, write: Bool = false) {
        self.descriptor = descriptor
        wantsRead = read
        wantsWrite = write
    }
}

/// Waits until one of the descriptors is ready, a signal arrives or the time is up.
///
/// - Parameters:
///   - requests: what to wait for; their answers are filled in.
///   - timeoutMilliseconds: how long at the most; nil waits for ever.
/// - Returns: whether any descriptor is ready.
@discardableResult
public func pollDescriptors(
    _ requests: inout [PollRequest],
    timeoutMilliseconds: Int? = nil
) throws(SystemError) -> Bool {
    let nanoseconds = timeoutMilliseconds.map { limit in
        Int64(clamping: limit).multipliedReportingOverflow(by: 1_000_000)
    }
    return try poll(&requests, nanoseconds.map { $0.overflow ? .max : $0.partialValue } ?? -1)
}

/// Waits as `pollDescriptors(_:timeoutMilliseconds:)` does, up to a point on the monotonic clock.
@discardableResult
public func pollDescriptors(
    _ requests: inout [PollRequest],
    untilMonotonicNanoseconds deadline: UInt64
) throws(SystemError) -> Bool {
    let now = monotonicNanoseconds()
    return try poll(&requests, deadline > now ? Int64(clamping: deadline - now) : 0)
}

/// Polls; negative nanoseconds wait for ever.
private func poll(
    _ requests: inout [PollRequest],
    _ nanoseconds: Int64
) throws(SystemError) -> Bool {
    var entries = requests.map { request in
        pollfd(
            fd: request.descriptor,
            events: Int16((request.wantsRead ? POLLIN : 0) | (request.wantsWrite ? POLLOUT : 0)),
            revents: 0
        )
    }
    let ready = clinux_poll(&entries, UInt(entries.count), nanoseconds)
    if ready < 0 && errno != EINTR { throw SystemError("poll") }
    let broken = POLLHUP | POLLERR | POLLNVAL
    for index in requests.indices {
        let events = ready > 0 ? Int32(entries[index].revents) : 0
        requests[index].isReadable = events & (POLLIN | broken) != 0
        requests[index].isWritable = events & (POLLOUT | POLLERR | POLLNVAL) != 0
    }
    return ready > 0
}

/// CLOCK_MONOTONIC in nanoseconds.
public func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
