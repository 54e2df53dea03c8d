import Foundation
import LinuxSystem
import Testing

extension HardwareTests {
    /// The rig that is made of software: a guest with the package installed is the lab machine, this machine is the desk.
    @Suite("A lab machine made by QEMU", .serialized, .softwareRig)
    enum SoftwareTests {}
}

/// A lab machine and a desk, joined by cables.
final class SoftwareRig {
    /// The lab machine.
    let lab: Guest
    /// This machine, with the programs under test in its PATH.
    let desk: LocalMachine
    /// Where the desk's programs keep what is theirs, with the debuggee.
    let folder: String
    /// From ttyS1 of the lab machine, an ISA UART, to `deskPort`.
    let cable: Wire
    /// The desk's end of that cable.
    let deskPort: String
    /// Both ends of the line of ttyS4, a PCI UART.
    let openLine: OwnedDescriptor
    /// What ttyS5, a PCI UART, is joined with: its speed follows that of the guest's port.
    let visibleLine: PseudoTerminal
    private let visibleEnd: OwnedDescriptor
    private let deskTerminal: (PseudoTerminal, OwnedDescriptor)
    private(set) var adapters: [String: Adapter] = [:]

    /// A USB adapter of the lab machine and its cable to the desk.
    struct Adapter {
        let serialNumber: String
        let cable: Wire
        /// The desk's end of its cable.
        let deskPort: String
        fileprivate let terminal: (PseudoTerminal, OwnedDescriptor)
    }

    /// How long the package took to install, in seconds.
    private(set) var installSeconds = 0.0

    init(_ images: GuestImages, programs: String) throws {
        folder = try Folders.makeTemporary(named: "desk")
        desk = LocalMachine(
            environment: [
                "PATH": programs + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "DBGSRV_RUNTIME_DIR": "\(folder)/run", "XDG_CACHE_HOME": "\(folder)/cache",
                "DBGSRV_PORTS": "\(folder)/ports", "HOME": folder,
                "DBGSRV_BROKER_IDLE_SECONDS": "1",
            ]
        )
        try "".write(toFile: "\(folder)/ports", atomically: true, encoding: .utf8)
        visibleLine = try PseudoTerminal()
        visibleEnd = try Self.raw(visibleLine)
        lab = try Guest(
            "lab",
            images,
            uarts: [.socket("cable"), .socket("open"), .terminal(visibleLine.path)],
            stub: true
        )
        do {
            let terminal = try PseudoTerminal()
            deskTerminal = (terminal, try Self.raw(terminal))
            deskPort = terminal.path
            cable = try Wire(lab: lab.accept("cable"), desk: terminal.master, baudRate: 115_200)
            openLine = try lab.accept("open")
            try installPackage()
        } catch {
            lab.stop()
            throw error
        }
    }

    /// A fresh pseudo-terminal echoes until somebody makes it raw.
    private static func raw(_ terminal: PseudoTerminal) throws -> OwnedDescriptor {
        let end = try terminal.openSlave()
        var settings = try TerminalSettings(of: end)
        settings.makeRaw()
        try settings.apply(to: end)
        return end
    }

    private func installPackage() throws {
        let begin = monotonicNanoseconds()
        try lab.require("dpkg -i /payload/dbgsrv.deb", seconds: 300)
        installSeconds = Double(monotonicNanoseconds() - begin) / 1e9
        // As its own document says.
        try lab.require(
            "udevadm trigger --action=add --subsystem-match=tty --subsystem-match=usb-serial; udevadm settle"
        )
    }

    /// Makes a USB adapter with a cable to the desk; it is not plugged in yet.
    func makeAdapter(_ id: String, serialNumber: String, baudRate: Int = 115_200) throws -> Adapter
    {
        if let adapter = adapters[id] { return adapter }
        let terminal = try PseudoTerminal()
        let end = try Self.raw(terminal)
        let adapter = Adapter(
            serialNumber: serialNumber,
            cable: try Wire(lab: lab.addLine(id), desk: terminal.master, baudRate: baudRate),
            deskPort: terminal.path,
            terminal: (terminal, end)
        )
        adapters[id] = adapter
        return adapter
    }

    /// Plugs an adapter in and waits until udev has linked its COM name.
    ///
    /// - Returns: its device, `/dev/ttyUSB0`.
    func plug(_ id: String) throws -> String {
        guard let adapter = adapters[id] else {
            throw MachineFailure(description: "there is no adapter \(id)")
        }
        try lab.plug(id, serialNumber: adapter.serialNumber)
        let link = "/dev/serial/by-id/*_\(adapter.serialNumber)-*"
        try lab.wait(for: "ls \(link) && udevadm settle")
        return try lab.require("readlink -f \(link)").trimmingCharacters(in: .newlines)
    }

    /// The speed that QEMU has set on the terminal behind ttyS5.
    var visibleSettings: TerminalSettings {
        get throws { try TerminalSettings(of: visibleEnd) }
    }

    /// What the independent look at a port of the lab machine shows.
    func look(at port: String) throws -> [String: String] {
        let text = try lab.require("/payload/bin/portprobe show \(port)")
        let pairs = text.split(separator: "\n").map { $0.split(separator: "=", maxSplits: 1) }
        return Dictionary(
            pairs.filter { $0.count == 2 }.map { (String($0[0]), String($0[1])) },
            uniquingKeysWith: { $1 }
        )
    }

    func stop() {
        cable.stop()
        adapters.values.forEach { $0.cable.stop() }
        lab.stop()
        // The desk's brokers end by themselves a second after their last user.
        try? desk.wait(for: "! ls \(folder)/run/*.sock", seconds: 20)
        try? FileManager.default.removeItem(atPath: folder)
    }
}

extension SoftwareRig {
    // SAFETY: the suite's scope sets it before and after the suite's tests, which run one after the other.
    nonisolated(unsafe) private static var current: SoftwareRig?

    /// The rig; nil without one, whose reason is printed, because a silent skip looks like a pass.
    static func use() -> SoftwareRig? {
        if current == nil { print("skipped: no guest; make hardware-test makes one") }
        return current
    }

    /// Starts the lab machine before a suite and ends it after that.
    struct Scope: SuiteTrait, TestScoping {
        let isRecursive = false

        func provideScope(
            for test: Test,
            testCase: Test.Case?,
            performing function: @Sendable () async throws -> Void
        ) async throws {
            let environment = ProcessInfo.processInfo.environment
            guard let images = GuestImages.current, let programs = environment["RIG_PROGRAMS"]
            else {
                return try await function()
            }
            let rig = try SoftwareRig(images, programs: programs)
            note("the guest took \(rig.lab.startMilliseconds) ms to start")
            current = rig
            defer {
                current = nil
                rig.stop()
            }
            try await function()
        }
    }
}

extension Trait where Self == SoftwareRig.Scope {
    static var softwareRig: Self { Self() }
}

/// A line for the table of what ran, `HardwareTests/table`.
func note(_ words: String) {
    print("rig: \(words)")
}
