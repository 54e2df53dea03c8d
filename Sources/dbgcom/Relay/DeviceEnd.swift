import Glibc
import LinuxSystem
import PortDirectory
import SerialPort

/// A serial port that is joined with a channel, such as the console of a board: bytes and BREAKs go both ways.
final class DeviceEnd: RelayEnd {
    private var port: SerialPort?
    private var marks = BreakMarks()
    private var arrived: [BreakMarks.Element] = []

    /// Opens the port; nobody else may use it meanwhile.
    init(_ name: String, _ configuration: SerialConfiguration) throws {
        let place = try PortDirectory.direct(name) ?? PortDirectory().port(named: name)
        let port = try SerialPort(path: place.path, configuration: configuration)
        try port.markBreaks()
        self.port = port
    }

    var inputDescriptor: Int32 { arrived.isEmpty ? outputDescriptor : -1 }
    var outputDescriptor: Int32 { port?.descriptor.number ?? -1 }
    var hasNews: Bool { !arrived.isEmpty && !hasBreak }
    var hasBreak: Bool { arrived.first == .lineBreak }

    func read(maximum: Int) throws -> [UInt8]? {
        if arrived.isEmpty {
            guard let port, let bytes = try port.descriptor.read(maximum: maximum) else {
                return nil
            }
            guard !bytes.isEmpty else { throw CommandFailure("\(port.path) hung up.") }
            arrived = marks.take(bytes)
        }
        guard case .bytes(let bytes) = arrived.first else { return nil }
        arrived.removeFirst()
        return bytes
    }

    func takeBreak() -> Int? {
        guard hasBreak else { return nil }
        arrived.removeFirst()
        return Self.breakMilliseconds
    }

    /// The driver does not say how long a BREAK was.
    private static let breakMilliseconds = 250

    func sendBreak(milliseconds: Int) throws {
        try port?.descriptor.sendBreak(milliseconds: milliseconds)
    }

    func write(_ bytes: ArraySlice<UInt8>) throws -> Int {
        guard let port else { throw ReaderHasLeft() }
        return try port.descriptor.give(bytes)
    }

    func finishWriting() {}

    func close() {
        port?.close()
        port = nil
    }
}
