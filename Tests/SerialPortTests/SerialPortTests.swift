import Foundation
import LinuxSystem
import Testing

@testable import SerialPort

@Suite("A serial port")
struct SerialPortTests {
    private func open(
        _ line: Line,
        _ configuration: SerialConfiguration = SerialConfiguration(baudRate: 115_200)
    ) throws(SerialPortError) -> SerialPort {
        try SerialPort(path: line.path, configuration: configuration, lockFolder: line.folder.path)
    }

    @Test("passes every byte value unchanged in both directions")
    func transparency() throws {
        let line = try Line()
        let port = try open(line)
        let everything = (0...255).map { UInt8($0) }
        #expect(try port.descriptor.write(everything[...]) == 256)
        #expect(try line.receive(256) == everything)
        #expect(try line.terminal.master.write(everything[...]) == 256)
        #expect(try collect(256, from: port.descriptor) == everything)
    }

    @Test(
        "grants any baud rate, also such as no table has",
        arguments: [50, 9600, 115_200, 250_000, 1_234_567, 12_000_000]
    )
    func anyRate(rate: Int) throws {
        let line = try Line()
        let port = try open(line, SerialConfiguration(baudRate: rate))
        #expect(port.grantedBaudRate == rate)
        let settings = try TerminalSettings(of: line.kept)
        #expect(settings.outputSpeed == UInt32(rate))
        #expect(settings.inputSpeed == UInt32(rate))
    }

    @Test("gives the line its original settings back when it is closed")
    func restore() throws {
        let line = try Line()
        let before = try TerminalSettings(of: line.kept)
        let port = try open(line, SerialConfiguration(baudRate: 250_000))
        #expect(try TerminalSettings(of: line.kept) != before)
        port.close()
        #expect(try TerminalSettings(of: line.kept) == before)
        port.close()
    }

    @Test("gives the settings back when its last owner forgets it")
    func restoreWithoutClose() throws {
        let line = try Line()
        let before = try TerminalSettings(of: line.kept)
        _ = try open(line)
        #expect(try TerminalSettings(of: line.kept) == before)
    }

    @Test("is raw, ignores the carrier and does not hang up at the last close")
    func rawFlags() throws {
        let line = try Line()
        let port = try open(line)
        var raw = termios()
        #expect(tcgetattr(port.descriptor.number, &raw) == 0)
        #expect(raw.c_iflag == 0 && raw.c_oflag == 0 && raw.c_lflag == 0)
        #expect(raw.c_cflag & tcflag_t(CLOCAL) != 0)
        #expect(raw.c_cflag & tcflag_t(CREAD) != 0)
        #expect(raw.c_cflag & tcflag_t(HUPCL) == 0)
        #expect(raw.c_cflag & tcflag_t(CSIZE) == tcflag_t(CS8))
    }

    @Test("throws away what had arrived before it was opened")
    func flush() throws {
        let line = try Line()
        var settings = try TerminalSettings(of: line.kept)
        settings.makeRaw()
        try settings.apply(to: line.kept)
        _ = try line.terminal.master.write(Array("old".utf8)[...])
        let port = try open(line)
        _ = try line.terminal.master.write(Array("new".utf8)[...])
        #expect(try collect(3, from: port.descriptor) == Array("new".utf8))
    }

    @Test("can be had by one owner only, and the error names that owner")
    func exclusive() throws {
        let line = try Line()
        let port = try open(line)
        let error = #expect(throws: SerialPortError.self) { try open(line) }
        let holder = DescriptorHolder(processID: getpid())
        #expect(error == .busy(path: line.path, holder: holder))
        #expect(
            error?.description
                == "The port \(line.path) is in use by \(holder.program) (pid \(getpid()))."
        )
        port.close()
    }

    @Test("that another process has locked is refused with that process's name and number")
    func lockedByOther() throws {
        let line = try Line()
        let other = try Helper("flock", ["--exclusive", line.path, "cat"])
        try other.waitUntilLocked(line.path)
        let error = #expect(throws: SerialPortError.self) { try open(line) }
        guard case .busy(_, let holder?) = error else {
            Issue.record("not busy: \(String(describing: error))")
            return
        }
        #expect([other.processID] == [holder.processID] || holder.program == "cat")
        #expect(error?.description.contains("(pid \(holder.processID))") == true)
    }

    @Test("can be had again after it was closed")
    func reopen() throws {
        let line = try Line()
        try open(line).close()
        try open(line).close()
    }

    @Test("refuses parity on a driver that does not grant it, and leaves the settings alone")
    func parityNotGranted() throws {
        let line = try Line()
        let before = try TerminalSettings(of: line.kept)
        let error = #expect(throws: SerialPortError.self) {
            try open(line, SerialConfiguration(baudRate: 9600, parity: .even))
        }
        #expect(
            error?.description
                == "The driver of \(line.path) does not grant 9600 baud 8E1, flow control none."
        )
        #expect(try TerminalSettings(of: line.kept) == before)
    }

    @Test(
        "says what was asked for and what the driver granted when the rates differ by more than 2 %"
    )
    func rateNotGranted() throws {
        let line = try Line()
        let before = try TerminalSettings(of: line.kept)
        let wanted = SerialConfiguration(baudRate: 250_000)
        let asked = SerialPort.settings(from: before, wanted)
        var granted = asked
        granted.setSpeed(bitsPerSecond: 230_400)
        let complaint = SerialPort.complaint("/dev/ttyS7", wanted, asked, granted)
        #expect(
            complaint?.description == "Asked /dev/ttyS7 for 250000 baud, the driver granted 230400."
        )
        granted.setSpeed(bitsPerSecond: 246_000)
        #expect(SerialPort.complaint("/dev/ttyS7", wanted, asked, granted) == nil)
    }

    @Test("names a UART's fastest rate when more was asked for")
    func fasterThanTheUART() throws {
        let line = try Line()
        let before = try TerminalSettings(of: line.kept)
        let wanted = SerialConfiguration(baudRate: 230_400)
        let asked = SerialPort.settings(from: before, wanted)
        var granted = asked
        granted.setSpeed(bitsPerSecond: 9600)
        let complaint = SerialPort.complaint(
            "/dev/ttyS7",
            wanted,
            asked,
            granted,
            fastest: 115_200
        )
        #expect(complaint?.description.hasSuffix("The fastest rate of its UART is 115200.") == true)
    }

    @Test("takes a serial gadget, which has no rate, at any rate")
    func gadget() throws {
        let line = try Line()
        let before = try TerminalSettings(of: line.kept)
        let wanted = SerialConfiguration(baudRate: 115_200)
        let asked = SerialPort.settings(from: before, wanted)
        var granted = asked
        granted.setSpeed(bitsPerSecond: 9600)
        #expect(SerialPort.complaint("/dev/ttyGS0", wanted, asked, granted) == nil)
    }

    @Test("changes its rate while open and still restores the first settings")
    func reconfigure() throws {
        let line = try Line()
        let before = try TerminalSettings(of: line.kept)
        let port = try open(line)
        try port.reconfigure(SerialConfiguration(baudRate: 9600, stopBits: 2))
        #expect(try TerminalSettings(of: line.kept).outputSpeed == 9600)
        port.close()
        #expect(try TerminalSettings(of: line.kept) == before)
    }

    @Test("that is not there is called absent")
    func absent() throws {
        let error = #expect(throws: SerialPortError.self) {
            try SerialPort(path: "/dev/ttyUSB250", configuration: .init(baudRate: 9600))
        }
        #expect(error?.description == "There is no port /dev/ttyUSB250; is the adapter plugged in?")
    }

    @Test(
        "is a terminal: files, folders and other devices are refused",
        arguments: ["/etc/passwd", "/dev", "/dev/null"]
    )
    func notATerminal(path: String) throws {
        let error = #expect(throws: SerialPortError.self) {
            try SerialPort(path: path, configuration: .init(baudRate: 9600))
        }
        #expect(error == .notATerminal(path: path))
    }

    @Test("needs a rate that is one", arguments: [0, -1, 49, 20_000_001])
    func badRate(rate: Int) throws {
        let line = try Line()
        let error = #expect(throws: SerialPortError.self) {
            try open(line, SerialConfiguration(baudRate: rate))
        }
        #expect(error?.description == "baud=\(rate) is not a baud rate; it must be 50–20000000.")
    }

    @Test("names the group that may open it when this user may not")
    func permission() {
        let error = SerialPortError.permissionDenied(path: "/dev/ttyS1", group: "dialout")
        #expect(error.description.contains("membership in the group dialout"))
    }

    @Test("follows symlinks to the device")
    func symlink() throws {
        let line = try Line()
        let link = line.folder.path + "/com3"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: line.path)
        let port = try SerialPort(
            path: link,
            configuration: .init(baudRate: 9600),
            lockFolder: line.folder.path
        )
        #expect(port.path == line.path)
    }

    @Test("counts the bit times of a byte with parity and stop bits")
    func bitsPerCharacter() {
        #expect(SerialConfiguration(baudRate: 9600).bitsPerCharacter == 10)
        #expect(
            SerialConfiguration(baudRate: 9600, parity: .odd, stopBits: 2).bitsPerCharacter == 12
        )
        #expect(
            SerialConfiguration(baudRate: 9600, dataBits: 7, parity: .even).description
                == "9600 baud 7E1"
        )
    }
}
