import Foundation
import LinuxSystem
import Testing

@testable import PortDirectory

@Suite("The port directory")
struct PortDirectoryTests {
    private let devices = [
        SerialDevice(path: "/dev/ttyS0", driver: "serial"),
        SerialDevice(path: "/dev/ttyUSB0", driver: "ftdi_sio"),
    ]

    private func directory(_ map: String = "") -> PortDirectory {
        var names = PortMap()
        names.add(map, file: "ports")
        return PortDirectory(map: names, devices: devices)
    }

    @Test(
        "takes com2, COM2, 2 and \\\\.\\COM2 for the second UART",
        arguments: ["com2", "COM2", "Com2", "2", #"\\.\COM2"#, #"\\.\com2"#]
    )
    func names(name: String) throws {
        #expect(try directory().port(named: name) == Port(name: "COM2", path: "/dev/ttyS1"))
    }

    @Test("takes anything with a slash for a path")
    func paths() throws {
        for path in ["/dev/ttyUSB0", "/tmp/a b", "./pty", "run/a"] {
            #expect(try directory().port(named: path) == Port(name: path, path: path))
        }
    }

    @Test("prefers the user's own names")
    func mapped() throws {
        let map =
            "# the rack\nCOM3 /dev/serial/by-id/usb-FTDI_A1-if00-port0 # left\n\n com1\t/dev/ttyUSB0\r\n"
        let directory = directory(map)
        #expect(
            try directory.port(named: "com3").path == "/dev/serial/by-id/usb-FTDI_A1-if00-port0"
        )
        #expect(try directory.port(named: "1").path == "/dev/ttyUSB0")
        #expect(try directory.port(named: "2").path == "/dev/ttyS1")
    }

    @Test(
        "says what is wrong with a name and what there is",
        arguments: [
            (
                "",
                "port= is not a port: it must be COM1–COM256, the number alone, a device path such as /dev/ttyUSB0, or rfc2217://host:port; there are COM1 (/dev/ttyS0), /dev/ttyUSB0."
            ),
            (
                "lpt1",
                "port=lpt1 is not a port: it must be COM1–COM256, the number alone, a device path such as /dev/ttyUSB0, or rfc2217://host:port; there are COM1 (/dev/ttyS0), /dev/ttyUSB0."
            ),
            (
                "com",
                "port=com is not a port: it must be COM1–COM256, the number alone, a device path such as /dev/ttyUSB0, or rfc2217://host:port; there are COM1 (/dev/ttyS0), /dev/ttyUSB0."
            ),
            ("com0", "port=com0: COM ports are numbered 1–256."),
            ("257", "port=257: COM ports are numbered 1–256."),
            ("99999999999999999999", "port=99999999999999999999: COM ports are numbered 1–256."),
        ]
    )
    func badNames(name: String, sentence: String) throws {
        let error = #expect(throws: PortNameError.self) { try directory().port(named: name) }
        #expect(error?.description == sentence)
    }

    @Test("has the same identity for every name of a device")
    func identity() throws {
        let line = try Line()
        let link = line.folder.path + "/link"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: line.path)
        let direct = try directory().identity(of: Port(name: line.path, path: line.path))
        let linked = try directory().identity(of: Port(name: "COM9", path: link))
        #expect(direct == linked)
        #expect(direct.key.hasPrefix("pts-"))
        #expect(!direct.key.contains("/"))
    }

    @Test("says which device a name stands for when that is not there")
    func absent() throws {
        let directory = directory("COM9 /dev/ttyUSB77")
        let error = #expect(throws: PortNameError.self) {
            try directory.identity(of: try directory.port(named: "com9"))
        }
        #expect(error?.description.hasPrefix("COM9 is /dev/ttyUSB77, which is not there") == true)
    }

    @Test("knows ports of other machines by their addresses, which are their identity")
    func network() throws {
        let directory = directory("COM7 rfc2217://Rack7:4001")
        let port = try directory.port(named: "com7")
        #expect(port == Port(name: "COM7", path: "rfc2217://rack7:4001"))
        #expect(try directory.identity(of: port).key == "rfc2217-rack7-4001")
        func key(_ address: String) throws -> String {
            try directory.identity(of: try directory.port(named: address)).key
        }
        #expect(try key("RFC2217://RACK7:4001") == "rfc2217-rack7-4001")
        let names = ["rack7:4002", "rack-7:4001", "rack.7:4001", "[::1]:1", "[:1:1]:1"]
        let long = (1...2).map { String(repeating: "r", count: 200) + "\($0):1" }
        let keys = try (names + long).map { try key("rfc2217://\($0)") }
        #expect(Set(keys).count == keys.count)
        #expect(keys.allSatisfy { $0.count < 80 && !$0.contains("/") && !$0.contains(":") })
    }

    @Test("does not take a file for a device")
    func file() throws {
        let error = #expect(throws: PortNameError.self) {
            try directory().identity(of: Port(name: "/etc/passwd", path: "/etc/passwd"))
        }
        #expect(error?.description == "/etc/passwd is not a serial port.")
    }

    @Test(
        "names the line of the map file that makes no sense, and keeps the others",
        arguments: ["COM3", "COM3 ttyUSB0", "COM0 /dev/x", "3 /dev/x", "COM3 /dev/x y"]
    )
    func badMap(line: String) throws {
        let directory = directory("COM1 /dev/ttyS9\n\(line)\nCOM7 /dev/ttyS7\n")
        let sentence =
            "ports, line 2: \"\(line)\" should be a COM name and a device, such as COM3 /dev/ttyUSB0."
        #expect(directory.warnings == [sentence])
        #expect(try directory.port(named: "com1").path == "/dev/ttyS9")
        #expect(try directory.port(named: "com7").path == "/dev/ttyS7")
        let error = #expect(throws: PortNameError.self) { try directory.port(named: "com3") }
        #expect(error?.description == sentence)
    }

    @Test("reads the machine's file, then the user's, or only the one that DBGSRV_PORTS names")
    func searchPath() throws {
        let folder = try ScratchFolder()
        try FileManager.default.createDirectory(
            atPath: folder.path + "/dbgsrv",
            withIntermediateDirectories: true
        )
        _ = try folder.file("dbgsrv/ports", "COM7 /dev/user\n")
        let user = ["XDG_CONFIG_HOME": folder.path]
        #expect(try PortMap.standard { user[$0] }.path(of: 7) == "/dev/user")
        let home = ["HOME": folder.path]
        #expect(try PortMap.standard { home[$0] }.path(of: 7) == nil)
        let only = try folder.file("only", "COM8 /dev/only\n")
        let named = ["XDG_CONFIG_HOME": folder.path, "DBGSRV_PORTS": only]
        #expect(try PortMap.standard { named[$0] }.entries.map(\.path) == ["/dev/only"])
        let missing = ["DBGSRV_PORTS": folder.path + "/none"]
        #expect(throws: PortNameError.self) { try PortMap.standard { missing[$0] } }
    }

    @Test("lists ports with their names, in the order of their numbers")
    func entries() throws {
        let entries = directory("COM5 /dev/ttyUSB77").entries
        #expect(entries.map(\.name) == ["COM1", "COM5", nil])
        #expect(entries.map(\.device.path) == ["/dev/ttyS0", "/dev/ttyUSB77", "/dev/ttyUSB0"])
        #expect(entries.map(\.isPresent) == [true, false, true])
    }

    @Test("finds ports in sysfs: those with a device, without phantom UARTs, with their drivers")
    func sysfs() throws {
        let folder = try ScratchFolder()
        let files = FileManager.default
        for name in ["ttyS0", "ttyS1", "ttyUSB10", "ttyUSB2", "tty1"] {
            try files.createDirectory(
                atPath: "\(folder.path)/\(name)",
                withIntermediateDirectories: true
            )
            if name == "tty1" { continue }
            let device = "\(folder.path)/devices/\(name)"
            try files.createDirectory(atPath: device, withIntermediateDirectories: true)
            try files.createSymbolicLink(
                atPath: "\(folder.path)/\(name)/device",
                withDestinationPath: device
            )
            try files.createSymbolicLink(
                atPath: device + "/driver",
                withDestinationPath: "/x/drivers/drv-\(name)"
            )
        }
        _ = try folder.file("ttyS0/type", "4\n")
        _ = try folder.file("ttyS1/type", "0\n")
        let found = SerialDevices.fromSysfs(folder.path)
        #expect(found.map(\.path) == ["/dev/ttyS0", "/dev/ttyUSB2", "/dev/ttyUSB10"])
        #expect(found.first?.driver == "drv-ttyS0")
    }
}
