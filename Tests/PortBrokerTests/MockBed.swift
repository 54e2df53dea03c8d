import Foundation
import LinuxSystem

/// A machine made up by umockdev on which an adapter comes and goes; Tests/MockBed is its program.
final class MockBed {
    private let process: Int32
    private let orders: OwnedDescriptor
    private let answers: OwnedDescriptor
    private let folder: String
    /// What a program needs in its environment to find itself on this machine.
    let environment: [String: String]

    init(_ folder: String) throws {
        self.folder = folder
        let program = folder + "/mockbed"
        let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("MockBed/mockbed.c").path
        let built = try Self.start(
            "/bin/sh",
            [
                "-c",
                "exec gcc -o \(program) \(source) $(pkg-config --cflags --libs umockdev-1.0)",
            ]
        )
        guard ProgramLauncher.waitForEnd(of: built.process) == 0 else {
            throw BenchError(description: "mockbed.c does not compile")
        }
        let names = folder + "/ports"
        try Data().write(to: URL(fileURLWithPath: names))
        (process, orders, answers) = try Self.start("/usr/bin/umockdev-wrapper", [program])
        let root = try Self.line(answers)
        environment = [
            "LD_PRELOAD": "libumockdev-preload.so.0", "UMOCKDEV_DIR": root,
            "DBGSRV_PORTS": names,
        ]
    }

    deinit {
        kill(process, SIGTERM)
        ProgramLauncher.waitForEnd(of: process)
    }

    private static func start(
        _ program: String,
        _ arguments: [String]
    ) throws -> (process: Int32, input: OwnedDescriptor, output: OwnedDescriptor) {
        let input = try ProgramLauncher.makePipe()
        let output = try ProgramLauncher.makePipe()
        let process = try ProgramLauncher.start(
            program,
            arguments: arguments,
            descriptors: [input.read, output.write, OwnedDescriptor(duplicating: 2)],
            newSession: false
        )
        return (process, input.write, output.read)
    }

    private static func line(_ answers: OwnedDescriptor) throws -> String {
        var bytes: [UInt8] = []
        while let byte = try answers.read(maximum: 1), byte != [0x0A] {
            if byte.isEmpty { throw BenchError(description: "the mock machine has ended") }
            bytes += byte
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func order(_ words: String...) throws {
        _ = try orders.write(Array((words.joined(separator: " ") + "\n").utf8)[...])
        let answer = try Self.line(answers)
        guard answer == "done" else { throw BenchError(description: "\(words): \(answer)") }
    }

    private func socket(_ index: Int) -> String {
        "/devices/pci0000:00/0000:00:14.0/usb1/1-\(index + 1)"
    }

    private func tty(_ index: Int) -> String {
        "\(socket(index))/1-\(index + 1):1.0/ttyUSB\(index)/tty/ttyUSB\(index)"
    }

    /// Plugs an adapter in, whose other side is a pseudo-terminal; udev tells.
    func plugIn(_ index: Int, serialNumber: String, terminal: String) throws {
        let interface = "\(socket(index))/1-\(index + 1):1.0"
        let text = """
            P: \(socket(index))
            E: SUBSYSTEM=usb
            E: DEVTYPE=usb_device
            A: idVendor=0403\\n
            A: idProduct=6001\\n
            A: serial=\(serialNumber)\\n

            P: \(interface)
            E: SUBSYSTEM=usb
            E: DEVTYPE=usb_interface
            A: bInterfaceNumber=00\\n

            P: \(interface)/ttyUSB\(index)
            E: SUBSYSTEM=usb-serial
            L: driver=../../../../../../../bus/usb-serial/drivers/ftdi_sio

            P: \(tty(index))
            E: SUBSYSTEM=tty
            E: DEVNAME=/dev/ttyUSB\(index)
            E: MAJOR=188
            E: MINOR=\(index)


            """
        let file = folder + "/adapter.umockdev"
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        try order("add", file, "ttyUSB\(index)", terminal)
    }

    /// Pulls it out; udev tells.
    func unplug(_ index: Int) throws {
        let interface = "\(socket(index))/1-\(index + 1):1.0"
        for device in [tty(index), "\(interface)/ttyUSB\(index)", interface, socket(index)] {
            try order("remove", "/sys" + device, "ttyUSB\(index)")
        }
    }
}
