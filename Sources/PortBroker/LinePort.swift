internal import LinuxSystem
internal import SerialPort
internal import TelnetSerial

/// What a line's bytes go through: a tty of this machine, or one that another machine serves.
protocol LinePort: AnyObject {
    /// The device, symlinks followed, or the address.
    var path: String { get }
    /// What is read and written.
    var descriptor: OwnedDescriptor { get }
    /// The rate as the driver states it.
    var grantedBaudRate: Int { get }
    /// Sentences about what may disturb the line.
    var warnings: [String] { get }
    /// Sentences for the log.
    var notes: [String] { get }
    /// What the driver has counted.
    var counters: LineCounters? { get }
    /// Whether the far end takes nothing for now.
    var isHeld: Bool { get }

    /// A frame as it is written.
    func encode(_ frame: [UInt8]) -> [UInt8]
    /// What was read: the line's bytes, and what is to be written in answer.
    func decode(_ bytes: [UInt8]) -> (line: [UInt8], answer: [UInt8])
    /// Puts everything back and lets others have the port.
    func close()
}

/// Opens a device, or a port of another machine by its address.
func openLinePort(
    _ path: String,
    _ configuration: SerialConfiguration
) throws -> any LinePort {
    if let address = NetworkPortAddress(path) { return try NetworkPort(address, configuration) }
    return try SerialPort(path: path, configuration: configuration)
}

extension SerialPort: LinePort {
    var counters: LineCounters? { descriptor.lineCounters }
    var isHeld: Bool { false }
    func encode(_ frame: [UInt8]) -> [UInt8] { frame }
    func decode(_ bytes: [UInt8]) -> (line: [UInt8], answer: [UInt8]) { (bytes, []) }
}
