import Foundation
import LinuxSystem
import Testing

@testable import PortDirectory

@Suite("The file of COM names")
struct NameKeepingTests {
    private let folder: ScratchFolder
    private let file: String

    init() throws {
        folder = try ScratchFolder()
        file = folder.path + "/ports"
    }

    private func device(_ serial: String) -> SerialDevice {
        SerialDevice(
            path: "/dev/ttyUSB\(serial)",
            driver: "ftdi_sio",
            identity: DeviceIdentity("usb:0403:6001:\(serial):00")
        )
    }

    private func read() -> PortMap { Self.read(file) }

    private static func read(_ file: String) -> PortMap {
        var map = PortMap()
        map.add(fileText(file, maximum: PortMap.fileBytesMax + 1) ?? "", file: "ports")
        return map
    }

    private func keep(_ devices: [SerialDevice]) throws -> (map: PortMap, failure: String?) {
        try PortMap.keep(devices, in: file, reading: read)
    }

    @Test("gets a line for each device that is seen for the first time, and keeps all else")
    func appended() throws {
        let text = "# the rack\nCOM1 /dev/left # bench\n\nCOM3 rfc2217://rack7:4001"
        _ = try folder.file("ports", text)
        let kept = try keep([device("A"), device("B")])
        #expect(kept.failure == nil)
        #expect(kept.map == read())
        #expect(
            fileText(file)
                == text
                + "\nCOM2 usb:0403:6001:A:00 # ftdi_sio\nCOM4 usb:0403:6001:B:00 # ftdi_sio\n"
        )
        #expect(folderEntries(folder.path) == ["ports", "ports.lock"])
    }

    @Test("is not written when everything has a name, and its mode stays")
    func untouched() throws {
        _ = try folder.file("ports", "")
        chmod(file, 0o640)
        _ = try keep([device("A")])
        let before = try FileAttributes(path: file)
        #expect(before.permissions == 0o640)
        _ = try keep([device("A")])
        #expect(try FileAttributes(path: file) == before)
    }

    @Test("is made with its folder when there is none")
    func made() throws {
        let deep = folder.path + "/config/dbgsrv/ports"
        let kept = try PortMap.keep([device("A")], in: deep) { PortMap() }
        #expect(kept.failure == nil)
        #expect(fileText(deep)?.hasPrefix("COM1 usb:") == true)
    }

    @Test("never gives a UART's number away")
    func uarts() throws {
        let devices = [
            SerialDevice(path: "/dev/ttyS1", driver: "serial"),
            SerialDevice(path: "/dev/ttyS0", driver: "serial"), device("A"),
        ]
        #expect(try keep(devices).map.entries.map(\.number) == [3])
    }

    @Test("gives no second name to a device that a path of it leads to")
    func linked() throws {
        let link = "/dev/serial/by-id/usb-FTDI_A-if00-port0"
        _ = try folder.file("ports", "COM9 \(link)\nCOM8 /dev/ttyUSBB\n")
        var linked = device("A")
        linked.links = [link]
        #expect(try keep([linked, device("B")]).map.entries.map(\.number) == [8, 9])
    }

    @Test("has one name for each device and one device for each name after a crowd has written it")
    func crowd() throws {
        let threads = (0..<8).map { thread in
            let done = DispatchSemaphore(value: 0)
            let devices = (0..<8).map { device("S\((thread * 3 + $0) % 16)") }
            let file = file
            Thread.detachNewThread {
                _ = try? PortMap.keep(devices, in: file) { Self.read(file) }
                done.signal()
            }
            return done
        }
        threads.forEach { $0.wait() }
        let map = read()
        #expect(map.damage.isEmpty)
        #expect(map.entries.map(\.number) == Array(1...16))
        #expect(Set(map.entries.map(\.path)).count == 16)
    }

    @Test("is left alone while a line of it makes no sense")
    func damaged() throws {
        let text = "COM1 /dev/left\n\u{0}\u{7}garbage\n"
        _ = try folder.file("ports", text)
        let kept = try keep([device("A")])
        #expect(kept.map.entries.map(\.number) == [1])
        #expect(fileText(file) == text)
        let directory = PortDirectory(map: kept.map, devices: [device("A")])
        #expect(
            directory.warnings == [
                "ports, line 2: \"??garbage\" should be a COM name and a device, "
                    + "such as COM3 /dev/ttyUSB0."
            ]
        )
    }

    @Test("that is too long is said to be so")
    func tooLong() throws {
        let line = "COM1 /dev/" + String(repeating: "x", count: 90) + "\n"
        _ = try folder.file("ports", String(repeating: line, count: 700))
        #expect(read().damage.contains(.mapTooLong(file: "ports")))
    }

    @Test("that cannot be written costs nobody a name, but it is said that it will not last")
    func notWritable() throws {
        let kept = try PortMap.keep([device("A")], in: "/proc/none/ports") { PortMap() }
        #expect(kept.map.number(of: device("A").identity) == 1)
        #expect(kept.failure?.contains("/proc/none/ports.lock") == true)
    }

    @Test("is not needed to know a device again, also when another of its serial number has come")
    func again() throws {
        let adapter = SerialDevice.Adapter(vendor: "v", model: "m", serialNumber: "0001")
        func device(_ path: String, at socket: String) -> SerialDevice {
            SerialDevice(
                path: path,
                driver: "cp210x",
                adapter: adapter,
                identity: DeviceIdentity("usb:10c4:ea60:0001:00"),
                socket: DeviceIdentity("at:x/\(socket)")
            )
        }
        let known = device("/dev/ttyUSB0", at: "1")
        let alone = SerialDevices.separated([device("/dev/ttyUSB4", at: "2")])
        #expect(SerialDevices.device(like: known, in: alone)?.path == "/dev/ttyUSB4")
        let both = SerialDevices.separated([
            device("/dev/ttyUSB5", at: "2"), device("/dev/ttyUSB6", at: "1"),
        ])
        #expect(both.map(\.identity.description) == ["at:x/2", "at:x/1"])
        #expect(SerialDevices.device(like: known, in: both)?.path == "/dev/ttyUSB6")
        #expect(SerialDevices.device(like: known, in: []) == nil)
        let builtIn = SerialDevice(path: "/dev/ttyAMA0", driver: "pl011")
        #expect(SerialDevices.device(like: builtIn, in: both) == nil)
    }

    @Test("is the machine's for root, the user's for others, or the one that DBGSRV_PORTS names")
    func whose() {
        let user = ["HOME": "/home/eve"]
        #expect(PortMap.fileToKeep(userID: 0) { user[$0] } == "/etc/dbgsrv/ports")
        #expect(PortMap.fileToKeep(userID: 7) { user[$0] } == "/home/eve/.config/dbgsrv/ports")
        let named = ["HOME": "/home/eve", "DBGSRV_PORTS": "/x"]
        #expect(PortMap.fileToKeep(userID: 0) { named[$0] } == "/x")
        #expect(PortMap.fileToKeep(userID: 7) { _ in nil } == nil)
    }

    @Test("takes identities that devices made up to break it")
    func hostile() throws {
        let names = [
            "a b", "a#b", "COM9 /dev/x", "\n\u{0}", "é,:%", String(repeating: "x", count: 999),
        ]
        for name in names {
            let identity = DeviceIdentity.adapter(
                vendor: "0403",
                model: "6001",
                serialNumber: name,
                interface: "00",
                port: "3"
            )
            #expect(DeviceIdentity(identity.description) == identity, "\(identity)")
            let device = SerialDevice(path: "/dev/ttyX", driver: "x", identity: identity)
            let number = try keep([device]).map.number(of: identity)
            #expect(number != nil && read().number(of: identity) == number)
        }
        #expect(read().damage.isEmpty)
    }
}
