public import ConnectionStrings
internal import Glibc
public import LinuxSystem

/// A server's end of a reverse connection in the making: it connects to the client's machine, again and again
/// until that listens or the time is up, and never waits, not for the resolver either.
public final class ReverseDialer {
    private let socket: ConnectionString.Socket
    private let giveUpAt: UInt64
    private var lookup: NameLookup?
    /// Addresses of this attempt that are still to be tried.
    private var addresses: ArraySlice<SocketAddress> = []
    private var attempt: (address: SocketAddress, socket: OwnedDescriptor, until: UInt64)?
    private var nextAttemptAt: UInt64 = 0
    private var lastProblem = ""

    /// Starts with the first attempt at the first `advance`.
    public init(_ socket: ConnectionString.Socket) {
        self.socket = socket
        giveUpAt = monotonicNanoseconds() + UInt64(ReverseConnection.seconds) * 1_000_000_000
    }

    /// What to poll for.
    public var request: PollRequest {
        if let lookup { return PollRequest(lookup.descriptor.number) }
        return PollRequest(attempt?.socket.number ?? -1, read: false, write: true)
    }

    /// When to call `advance` at the latest, on the monotonic clock.
    public var wakeNanoseconds: UInt64 {
        lookup == nil ? attempt?.until ?? nextAttemptAt : giveUpAt
    }

    /// Goes on.
    ///
    /// - Returns: the connection, once; nil while there is none.
    /// - Throws: when the time is up.
    public func advance() throws(TransportError) -> TCPSocket.Connection? {
        let now = monotonicNanoseconds()
        if let current = attempt {
            guard let failure = outcome(of: current, at: now) else { return nil }
            attempt = nil
            if failure == 0 { return try connection(current.socket, current.address) }
            lastProblem = reason(failure)
        } else if now < nextAttemptAt {
            return nil
        } else if addresses.isEmpty, !isResolved(at: now) {
            return nil
        }
        try startNext(now)
        return nil
    }

    /// - Returns: nil while it is under way, 0 when it is connected.
    private func outcome(
        of current: (address: SocketAddress, socket: OwnedDescriptor, until: UInt64),
        at now: UInt64
    ) -> Int32? {
        var requests = [PollRequest(current.socket.number, read: false, write: true)]
        guard (try? pollDescriptors(&requests, timeoutMilliseconds: 0)) == true else {
            return now < current.until ? nil : ETIMEDOUT
        }
        return (try? pendingError(of: current.socket)) ?? EIO
    }

    private func connection(
        _ descriptor: OwnedDescriptor,
        _ address: SocketAddress
    ) throws(TransportError) -> TCPSocket.Connection {
        do {
            try TCPSocket.prepare(descriptor)
        } catch {
            throw TransportError("tcp \(address)", error)
        }
        return TCPSocket.Connection(descriptor: descriptor, address: address)
    }

    /// Asks the resolver, or looks whether it has answered.
    private func isResolved(at now: UInt64) -> Bool {
        do {
            if lookup == nil, now >= giveUpAt { return true }
            let asked = try lookup ?? startLookup()
            lookup = asked
            guard let answer = asked.answer else {
                guard now >= giveUpAt else { return false }
                if lastProblem.isEmpty { lastProblem = "\(place): no name server answers" }
                lookup = nil
                return true
            }
            lookup = nil
            addresses = try answer.get()[...]
        } catch {
            lastProblem = "\(place): \(error)"
        }
        return true
    }

    private func startLookup() throws(SystemError) -> NameLookup {
        try NameLookup(
            host: socket.reverseConnection ?? "",
            port: socket.ports.lowerBound,
            onlyIPv6: socket.onlyIPv6
        )
    }

    private func startNext(_ now: UInt64) throws(TransportError) {
        while let address = addresses.popFirst() {
            do {
                let until = now + UInt64(ReverseConnection.attemptMilliseconds) * 1_000_000
                attempt = (address, try address.startConnecting(), until)
                return
            } catch {
                lastProblem = reason(error.errorNumber)
            }
        }
        guard now < giveUpAt else {
            throw TransportError(
                "\(lastProblem); tried for \(ReverseConnection.seconds) s: start the client first,"
                    + " with clicon=THIS-MACHINE and the same port"
            )
        }
        nextAttemptAt = now + UInt64(ReverseConnection.retryMilliseconds) * 1_000_000
    }

    private var place: String {
        "tcp \(socket.reverseConnection ?? ""):\(socket.ports.lowerBound)"
    }

    private func reason(_ errorNumber: Int32) -> String {
        "cannot connect to \(place): \(SystemError("connect", errorNumber: errorNumber).reason)"
    }
}
