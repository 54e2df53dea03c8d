import Foundation
import LinuxSystem
import Testing

@testable import SerialPort

@Suite("What makes a line quick")
struct LineTuningTests {
    private let line: Line
    private let device: String

    init() throws {
        line = try Line()
        let name = line.path.split(separator: "/").last.map(String.init) ?? ""
        device = line.folder.path + "/sys/\(name)/device"
        try FileManager.default.createDirectory(atPath: device, withIntermediateDirectories: true)
    }

    private func open() throws -> SerialPort {
        try SerialPort(
            path: line.path,
            configuration: .init(baudRate: 9600),
            lockFolder: line.folder.path,
            sysfsFolder: line.folder.path + "/sys"
        )
    }

    private func text(_ name: String) -> String? { fileText("\(device)/\(name)") }

    @Test("is the latency timer and the event character, which are put back at the end")
    func timer() throws {
        try "16\n".write(toFile: device + "/latency_timer", atomically: true, encoding: .utf8)
        try "".write(toFile: device + "/event_char", atomically: true, encoding: .utf8)
        let port = try open()
        #expect(text("latency_timer") == "1\n")
        #expect(text("event_char") == "256\n")
        #expect(port.notes.contains("the latency timer is 1 ms instead of 16 ms"))
        port.close()
        #expect(text("latency_timer") == "16\n")
        #expect(text("event_char") == "0\n")
    }

    @Test("may be set already, and is then left alone")
    func already() throws {
        try "1\n".write(toFile: device + "/latency_timer", atomically: true, encoding: .utf8)
        let port = try open()
        #expect(port.notes.isEmpty)
        port.close()
        #expect(text("latency_timer") == "1\n")
    }

    @Test("may not be ours to change, which is no error")
    func notWritable() throws {
        try FileManager.default.createSymbolicLink(
            atPath: device + "/latency_timer",
            withDestinationPath: "/proc/sys/kernel/ostype"
        )
        let port = try open()
        #expect(port.notes.first?.contains("the latency timer stays at Linux ms") == true)
    }

    @Test("modem lines that a driver does not have cannot be set")
    func modemLines() throws {
        let error = #expect(throws: SerialPortError.self) {
            try SerialPort(
                path: line.path,
                configuration: .init(baudRate: 9600, dtr: .off),
                lockFolder: line.folder.path
            )
        }
        #expect(error == .settingNotGranted(path: line.path, asked: "dtr=off"))
        #expect(folderEntries(line.folder.path) == ["sys"])
    }
}
