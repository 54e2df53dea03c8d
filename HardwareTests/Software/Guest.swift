import Foundation
import Glibc
import LinuxSystem

/// What a guest is made of; `image/build` and `run` make the files.
struct GuestImages {
    /// Holds vmlinux, initrd and root.ext4.
    let folder: String
    /// A file system with the package under test, our programs in bin/, and the tests' own programs.
    let payload: String

    /// The images that `HardwareTests/run` names; nil elsewhere.
    static let current: GuestImages? = {
        let environment = ProcessInfo.processInfo.environment
        guard let folder = environment["RIG_IMAGES"], let payload = environment["RIG_PAYLOAD"]
        else {
            return nil
        }
        return GuestImages(folder: folder, payload: payload)
    }()
}

/// A machine made by QEMU: Debian's kernel, systemd and udev, 16550 UARTs and a USB controller.
final class Guest: Machine {
    /// What one of its serial ports is joined with.
    enum Line {
        /// A socket that the tests have the other end of: a line with all modem lines up.
        case socket(String)
        /// A terminal of this machine, whose speed and stop bits follow the guest's: a line with all modem lines down.
        case terminal(String)

        func arguments(_ id: String, in folder: String) -> [String] {
            switch self {
            case .socket(let name):
                ["-chardev", "socket,id=\(id),path=\(folder)/\(name),server=off"]
            case .terminal(let path): ["-chardev", "serial,id=\(id),path=\(path)"]
            }
        }
    }

    let name: String
    let folder: String
    private(set) var monitor: QEMUMonitor!
    private var hand: GuestHand!
    private var listeners: [String: OwnedDescriptor] = [:]
    private var life: OwnedDescriptor?
    private var process: Int32?

    /// Milliseconds from the start of QEMU until the guest took commands.
    private(set) var startMilliseconds = 0

    /// Starts a guest and waits until it takes commands.
    ///
    /// - Parameters:
    ///   - uarts: what ttyS1 and so on are joined with; the first is on the ISA bus, the others on PCI.
    ///   - stub: whether QEMU's gdb stub listens in the guest's folder.
    init(
        _ name: String,
        _ images: GuestImages,
        uarts: [Line],
        stub: Bool = false
    ) throws {
        self.name = name
        folder = try Folders.makeTemporary(named: "rig")
        let begin = monotonicNanoseconds()
        for socket in ["monitor", "hand"] + uarts.compactMap(\.socketName) {
            _ = try listen(socket)
        }
        try launch(Self.arguments(name, images, uarts, folder, stub))
        do {
            monitor = try QEMUMonitor(accept("monitor"))
            hand = try GuestHand(accept("hand"))
            try hand.waitUntilReady(seconds: 300)
        } catch {
            stop()
            throw error
        }
        startMilliseconds = Int((monotonicNanoseconds() - begin) / 1_000_000)
    }

    deinit { stop() }

    func run(_ script: String, seconds: Int) throws -> ProgramOutput {
        // Brokers that nobody uses any more would keep ports for half a minute.
        try hand.run(Self.preamble + script, seconds: seconds)
    }

    private static let preamble =
        "export DBGSRV_BROKER_IDLE_SECONDS=1 PATH=$PATH:/payload/bin\n"

    /// Listens for a line of the guest.
    func listen(_ name: String) throws -> String {
        let path = "\(folder)/\(name)"
        listeners[name] = try UnixSocket.listen(path: path, backlog: 1)
        return path
    }

    /// Waits until QEMU has connected a line that is listened for.
    func accept(_ name: String) throws -> OwnedDescriptor {
        guard let listener = listeners[name] else {
            throw MachineFailure(description: "nobody listens for \(name)")
        }
        let end = monotonicNanoseconds() + 20_000_000_000
        while monotonicNanoseconds() < end {
            let number = Glibc.accept(listener.number, nil, nil)
            if number >= 0 { return OwnedDescriptor(number) }
            var requests = [PollRequest(listener.number)]
            try pollDescriptors(&requests, timeoutMilliseconds: 200)
            if let process, let ending = ProgramLauncher.ending(of: process) {
                self.process = nil
                throw MachineFailure(description: "QEMU ended, \(ending): \(said)")
            }
        }
        throw MachineFailure(description: "QEMU does not connect \(name): \(said)")
    }

    private var said: String { fileText("\(folder)/qemu.log") ?? "" }

    /// Ends it; nothing of it is left.
    func stop() {
        life = nil
        if let process { ProgramLauncher.waitForEnd(of: process) }
        process = nil
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// QEMU ends with us, however we end: a shell waits for the end of a pipe that only we hold.
    private func launch(_ arguments: [String]) throws {
        let script = """
            cd "$0" && exec 3<&0
            "$@" </dev/null >qemu.log 2>&1 3<&- & guest=$!
            ( cat <&3 >/dev/null; kill $guest ) 2>/dev/null & watch=$!
            wait $guest
            kill $watch 2>/dev/null
            """
        let pipe = try ProgramLauncher.makePipe()
        let log = try openFile(
            "\(folder)/launch.log",
            flags: O_WRONLY | O_CREAT,
            permissions: 0o644
        )
        process = try ProgramLauncher.start(
            "/bin/bash",
            arguments: ["-c", script, folder] + arguments,
            descriptors: [pipe.read, log, log],
            newSession: true
        )
        life = pipe.write
    }

    private static func arguments(
        _ name: String,
        _ images: GuestImages,
        _ uarts: [Line],
        _ folder: String,
        _ stub: Bool
    ) -> [String] {
        let kernel =
            "console=ttyS0,115200 panic=-1 quiet nokaslr 8250.nr_uarts=6 "
            + "systemd.show_status=0 systemd.hostname=\(name) audit=0 mitigations=off"
        var words = [
            "qemu-system-x86_64", "-accel", "tcg", "-M", "q35", "-cpu", "max", "-smp", "1",
            "-m", "512", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-kernel", "\(images.folder)/vmlinux", "-initrd", "\(images.folder)/initrd",
            "-append", kernel,
            "-drive", "file=\(images.folder)/root.ext4,if=virtio,format=raw,snapshot=on",
            "-drive", "file=\(images.payload),if=virtio,format=raw,readonly=on",
            "-chardev", "file,id=console,path=\(folder)/console.log",
            "-device", "isa-serial,chardev=console",
            "-device", "virtio-serial-pci",
            "-device", "qemu-xhci,id=usb",
        ]
        words += Line.socket("monitor").arguments("monitor", in: folder)
        words += ["-mon", "chardev=monitor,mode=control"]
        words += Line.socket("hand").arguments("hand", in: folder)
        words += ["-device", "virtserialport,chardev=hand,name=rig"]
        for (index, line) in uarts.enumerated() {
            words += line.arguments("line\(index + 1)", in: folder)
            words += ["-device", "\(index == 0 ? "isa" : "pci")-serial,chardev=line\(index + 1)"]
        }
        if stub {
            words += ["-chardev", "socket,id=stub,path=\(folder)/stub,server=on,wait=off"]
            words += ["-gdb", "chardev:stub"]
        }
        return words
    }
}

extension Guest.Line {
    fileprivate var socketName: String? {
        if case .socket(let name) = self { name } else { nil }
    }
}

/// USB.
extension Guest {
    /// Plugs a USB adapter in, whose line has been accepted or is a terminal of this machine.
    func plug(_ id: String, serialNumber: String) throws {
        try monitor.execute(
            "device_add",
            [
                "driver": "usb-serial", "id": id, "chardev": "line-\(id)", "serial": serialNumber,
                "bus": "usb.0",
            ]
        )
    }

    /// Pulls it out.
    func unplug(_ id: String) throws {
        try monitor.execute("device_del", ["id": id])
        try monitor.wait(for: "DEVICE_DELETED", device: id)
    }

    /// Makes the line of a USB adapter, which outlives its plugs.
    func addLine(_ id: String) throws -> OwnedDescriptor {
        let path = try listen("line-\(id)")
        let address: [String: Any] = ["type": "unix", "data": ["path": path]]
        try monitor.execute(
            "chardev-add",
            [
                "id": "line-\(id)",
                "backend": ["type": "socket", "data": ["addr": address, "server": false]],
            ]
        )
        return try accept("line-\(id)")
    }

    /// A BREAK comes in on a line.
    func sendBreak(_ line: String) throws {
        try monitor.execute("chardev-send-break", ["id": line])
    }
}
