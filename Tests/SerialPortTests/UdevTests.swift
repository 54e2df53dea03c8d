import Foundation
import LinuxSystem
import Testing

@testable import PortDirectory

@Suite("The ports of a machine, by libudev")
struct UdevTests {
    private let folder: ScratchFolder
    private let names: String

    init() throws {
        folder = try ScratchFolder()
        names = try folder.file("ports", "")
    }

    /// The words of the lines that `dbgcom list` shows, by device.
    private func list(_ machine: MockMachine) throws -> [String: [String]] {
        let output = try machine.dbgcom(["list"], names: names, folder: folder)
        let rows = output.split(separator: "\n").map { line in
            line.split(separator: " ").map(String.init)
        }
        let devices = rows.filter { $0.count > 2 && $0[1].hasPrefix("/") }
        return Dictionary(devices.map { ($0[1], $0) }) { first, _ in first }
    }

    private var written: [String] {
        (fileText(names) ?? "").split(separator: "\n").map(String.init)
    }

    @Test("are UARTs and USB adapters; names without hardware and consoles are none")
    func enumeration() throws {
        var machine = MockMachine()
        machine.addUART(0)
        machine.addUART(1, type: 0)
        machine.addConsole()
        machine.addAdapter(0, serialNumber: "A50285BI")
        let listed = try list(machine)
        #expect(listed.keys.sorted() == ["/dev/ttyS0", "/dev/ttyUSB0"])
        #expect(listed["/dev/ttyS0"]?.prefix(3) == ["COM1", "/dev/ttyS0", "serial"])
        #expect(listed["/dev/ttyUSB0"]?.prefix(3) == ["COM2", "/dev/ttyUSB0", "ftdi_sio"])
        #expect(written == ["COM2 usb:0403:6001:A50285BI:00 # FTDI FT232R USB UART"])
    }

    @Test("keep their names in another socket and under another device")
    func kept() throws {
        var first = MockMachine()
        first.addAdapter(0, serialNumber: "LEFT", socket: "1")
        first.addAdapter(1, serialNumber: "RIGHT", socket: "2")
        #expect(try list(first)["/dev/ttyUSB1"]?[0] == "COM2")
        var second = MockMachine()
        second.addAdapter(0, serialNumber: "RIGHT", socket: "1")
        second.addAdapter(1, serialNumber: "NEW", socket: "2")
        second.addAdapter(5, serialNumber: "LEFT", socket: "4.1", bus: 3)
        let listed = try list(second)
        #expect(listed["/dev/ttyUSB0"]?[0] == "COM2")
        #expect(listed["/dev/ttyUSB1"]?[0] == "COM3")
        #expect(listed["/dev/ttyUSB5"]?[0] == "COM1")
    }

    @Test("without a serial number are known by their socket, whatever number its bus has")
    func socket() throws {
        var first = MockMachine()
        first.addAdapter(0, serialNumber: nil, socket: "2.1", bus: 1)
        _ = try list(first)
        #expect(written.first?.hasPrefix("COM1 at:0000:00:14.0/2.1:1.0 ") == true)
        var second = MockMachine()
        second.addAdapter(0, serialNumber: nil, socket: "3", bus: 2)
        second.addAdapter(1, serialNumber: nil, socket: "2.1", bus: 2)
        let listed = try list(second)
        #expect(listed["/dev/ttyUSB1"]?[0] == "COM1")
        #expect(listed["/dev/ttyUSB0"]?[0] == "COM2")
    }

    @Test("with the same serial number are told apart by their sockets")
    func sameSerialNumber() throws {
        var machine = MockMachine()
        machine.addAdapter(0, serialNumber: "0001", socket: "1")
        machine.addAdapter(1, serialNumber: "0001", socket: "2")
        let listed = try list(machine)
        #expect(Set(listed.values.map { $0[0] }) == ["COM1", "COM2"])
        #expect(written.allSatisfy { $0.contains(" at:0000:00:14.0/") })
    }

    @Test("have the name that a udev rule gives them, whatever the file says")
    func ruled() throws {
        _ = try folder.file("ports", "COM7 /dev/ttyS4\n")
        var machine = MockMachine()
        machine.addUART(0)
        machine.addAdapter(0, serialNumber: "A", properties: ["DBGSRV_COM=7"])
        let listed = try list(machine)
        #expect(listed["/dev/ttyUSB0"]?[0] == "COM7")
        #expect(written == ["COM7 /dev/ttyS4"])
    }

    @Test("are found by every name that they have")
    func resolved() throws {
        var machine = MockMachine()
        machine.addUART(0)
        machine.addAdapter(0, serialNumber: "A50285BI")
        let link = "/dev/serial/by-id/usb-FTDI_FT232R_A50285BI-if00-port0"
        let given = ["com2", "COM2", "2", "/dev/ttyUSB0", link, "usb:0403:6001:A50285BI:00"]
        for name in given {
            let output = try machine.dbgcom(["status", name], names: names, folder: folder)
            #expect(output.contains("No program uses channels of"), "\(name): \(output)")
        }
        let absent = try machine.dbgcom(["status", "com3"], names: names, folder: folder)
        #expect(absent.contains("COM3 is /dev/ttyS2, which is not there"), "\(absent)")
        #expect(absent.contains("COM2 (/dev/ttyUSB0)"), "\(absent)")
    }
}
