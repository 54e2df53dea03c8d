internal import Glibc

/// What goes over a debugging connection, a line of a file for each packet or portion: milliseconds, direction, bytes
/// (as gdb's `set remotelogfile` has it).
///
/// A line that cannot be written is not there; the session goes on.
public final class PacketLog {
    /// The environment variable that names the file; lines are added at its end.
    public static let variable = "DBGSRV_PACKET_LOG"
    /// How much of a packet is kept, in bytes.
    private static let packetBytesMax = 512

    /// Which way.
    public enum Direction: String {
        /// To the server.
        case toStub = "->"
        /// From the server.
        case fromStub = "<-"
    }

    private let file: OwnedDescriptor
    private let start = monotonicNanoseconds()

    /// Begins where the variable names a file that can be written.
    public init?() {
        guard let path = environmentValue(Self.variable),
            let file = try? openFile(path, flags: O_WRONLY | O_CREAT | O_APPEND)
        else { return nil }
        self.file = file
    }

    /// Adds a line; bytes that are not printable ASCII show as `\xNN`.
    public func note(_ packet: [UInt8], _ direction: Direction) {
        let milliseconds = (monotonicNanoseconds() - start) / 1_000_000
        let more = packet.count > Self.packetBytesMax ? "… (\(packet.count) bytes)" : ""
        let shown = packet.prefix(Self.packetBytesMax).map { byte in
            (0x20...0x7e).contains(byte)
                ? String(Unicode.Scalar(byte))
                : "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        let line = "\(milliseconds) \(direction.rawValue) \(shown.joined())\(more)\n"
        _ = try? file.write(Array(line.utf8)[...])
    }
}
