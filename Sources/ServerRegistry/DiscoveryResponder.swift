internal import DiscoveryProtocol
internal import Glibc
public import LinuxSystem

/// Where machines ask each other what they serve (docs/protocols/discovery.md).
public enum DiscoveryPort {
    /// The TCP port.
    ///
    /// It is below 1024, so that on the serving machine nobody but root can answer.
    public static let usual = 1005
    /// The environment variable that moves it, or with `off` keeps a server from answering.
    public static let variable = "DBGSRV_DISCOVERY_PORT"

    /// Where a server answers; nil when it is not to.
    ///
    /// A server whose runtime folder is not the machine's has another registry than the machine's servers,
    /// so it does not answer on the port that is known to everybody.
    static var forAnswering: Int? {
        if let given = environmentValue(variable) { return number(given) }
        let isElsewhere =
            environmentValue(RuntimeDirectory.variable) != nil
            || environmentValue(RuntimeDirectory.serversVariable) != nil
        return isElsewhere ? nil : usual
    }

    /// Where to ask.
    public static var forAsking: Int {
        environmentValue(variable).flatMap(number) ?? usual
    }

    private static func number(_ text: String) -> Int? {
        Int(text).flatMap { 1...65_535 ~= $0 ? $0 : nil }
    }
}

/// Answers other machines that ask for this one's servers.
///
/// Each of root's servers listens on the same port, and the kernel gives a question to one of them; so any
/// of them may end at any time and the others answer on. A question is a connection: nothing is read from it.
public final class DiscoveryResponder {
    /// Questions that may wait.
    public static let backlog: Int32 = 16
    /// Answers at once, and how often there is another one, in milliseconds: five a second.
    public static let burst = 10
    /// See `burst`.
    public static let pauseMilliseconds: UInt64 = 200

    private let socket: OwnedDescriptor
    private var answersLeft = burst
    private var countedAt = monotonicNanoseconds()

    /// Listens, where this process's servers are for everybody to see and answering is not switched off.
    ///
    /// - Returns: nil where it is not to answer.
    /// - Throws: why it cannot; the server works all the same.
    public init?() throws(SystemError) {
        guard geteuid() == 0, let port = DiscoveryPort.forAnswering else { return nil }
        do {
            socket = try Self.listen(port, isIPv6: true)
        } catch  where error.errorNumber == EAFNOSUPPORT {
            socket = try Self.listen(port, isIPv6: false)
        }
        // The answer has to fit in whole, since nobody waits for the asker to read it.
        try setSocketOption(socket, SOL_SOCKET, SO_SNDBUF, Int32(ServerList.bytesMax))
    }

    private static func listen(_ port: Int, isIPv6: Bool) throws(SystemError) -> OwnedDescriptor {
        try SocketAddress.any(port: port, isIPv6: isIPv6).listen(
            onlyIPv6: false,
            backlog: backlog,
            sharesPort: true
        ).0
    }

    /// Shows readable in poll(2) when `answer` has something to do; -1 while it has answered enough.
    public var descriptor: Int32 {
        refill()
        return answersLeft > 0 ? socket.number : -1
    }

    /// When to look again while `descriptor` is -1, in milliseconds; nil for whenever it is readable.
    public var waitMilliseconds: Int? {
        refill()
        return answersLeft > 0 ? nil : Int(Self.pauseMilliseconds)
    }

    /// Answers those who ask now.
    ///
    /// - Returns: whom.
    public func answer() -> [String] {
        refill()
        var askers: [String] = []
        while answersLeft > 0, let (connection, asker) = accept() {
            answersLeft -= 1
            askers.append("\(asker)")
            let list = ServerList.encode(ServerRegistry.machineServers())
            _ = try? connection.write(list[...])
            shutDownWriting(connection)
        }
        return askers
    }

    private func accept() -> (OwnedDescriptor, SocketAddress)? {
        do {
            return try SocketAddress.accept(from: socket)
        } catch {
            // Out of descriptors or memory: what waits would wake us again at once.
            answersLeft = 0
            return nil
        }
    }

    private func refill() {
        let pause = Self.pauseMilliseconds * 1_000_000
        let due = (monotonicNanoseconds() - countedAt) / pause
        guard due > 0 else { return }
        countedAt += due * pause
        answersLeft = min(Self.burst, answersLeft + Int(min(due, UInt64(Self.burst))))
    }
}
