internal import GDBRemoteProtocol
internal import Glibc
internal import LinuxSystem

/// Each packet of a connection as a line of a file: seconds, direction, payload (`set remotelogfile` of gdb).
///
/// A line that cannot be written is not there; the session goes on.
final class PacketLog {
    /// The environment variable that names the file.
    static let variable = "DBGSRV_PACKET_LOG"
    /// How much of a payload is kept, in bytes.
    private static let payloadBytesMax = 512

    enum Direction: String {
        case toStub = "->"
        case fromStub = "<-"
    }

    private let file: OwnedDescriptor
    private let start = monotonicNanoseconds()

    /// Begins where the variable names a file that can be written.
    init?() {
        guard let path = environmentValue(Self.variable),
            let file = try? openFile(path, flags: O_WRONLY | O_CREAT | O_APPEND)
        else { return nil }
        self.file = file
    }

    func note(_ payload: [UInt8], _ direction: Direction) {
        let milliseconds = (monotonicNanoseconds() - start) / 1_000_000
        let shown = printable(payload.prefix(Self.payloadBytesMax))
        let more = payload.count > Self.payloadBytesMax ? "… (\(payload.count) bytes)" : ""
        let line = "\(milliseconds) \(direction.rawValue) \(shown)\(more)\n"
        _ = try? file.write(Array(line.utf8)[...])
    }
}
