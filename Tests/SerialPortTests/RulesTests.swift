import Foundation
import LinuxSystem
import Testing

/// The rules in udev/, given to the real udevadm with a machine made up by umockdev, in a mount namespace of its own.
@Suite("The udev rules")
struct RulesTests {
    private let folder: ScratchFolder
    private static let source = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("udev").path

    init() throws {
        folder = try ScratchFolder()
        for name in ["rules", "bin", "units"] {
            try FileManager.default.createDirectory(
                atPath: "\(folder.path)/\(name)",
                withIntermediateDirectories: true
            )
        }
    }

    /// What udev would do with a device: each line that udevadm says.
    private func test(_ device: String, _ machine: MockMachine, rules: String = "") throws -> String
    {
        let path = folder.path
        for name in folderEntries(Self.source) where name.hasSuffix(".rules") {
            let text = try #require(fileText("\(Self.source)/\(name)"))
            _ = try folder.file(
                "rules/\(name)",
                text.replacingOccurrences(of: "@BINDIR@", with: "/usr/local/bin")
            )
        }
        _ = try folder.file("rules/61-local.rules", rules)
        _ = try folder.file("names", fileText(path + "/names") ?? "")
        let description = try folder.file("machine.umockdev", machine.description)
        // udev gives its programs an environment of their own, and the made-up machine has to be in it.
        let script = """
            set -e
            mount --bind \(path)/rules /etc/udev/rules.d
            mount -t tmpfs tmpfs /run
            mount -t tmpfs tmpfs /usr/local/bin
            mkdir -p /run/systemd
            cat >/usr/local/bin/dbgcom <<END
            #!/bin/sh
            export LD_PRELOAD=libumockdev-preload.so.0 UMOCKDEV_DIR=$UMOCKDEV_DIR
            export DBGSRV_PORTS=\(path)/names
            exec \(dbgcomPath) "\\$@"
            END
            chmod +x /usr/local/bin/dbgcom
            if [ -d /etc/systemd/system ]; then mount --bind \(path)/units /etc/systemd/system; fi
            udevadm test --action=add \(device)
            """
        let file = try folder.file("script", script)
        let answer = try runProgram(
            "umockdev-run",
            ["-d", description, "--", "unshare", "--map-root-user", "--mount", "sh", file]
        )
        #expect(answer.status == 0, "\(answer.output)")
        return answer.output
    }

    /// Whether this machine lets a test have mounts of its own; a container may not.
    private static let mayMount: Bool = {
        let may = (try? runProgram("unshare", ["--map-root-user", "--mount", "true"]))?.status == 0
        if !may { print("skipped: the udev rules need a mount namespace, which is refused here") }
        return may
    }()

    private func adapter() -> MockMachine {
        var machine = MockMachine()
        machine.addAdapter(0, serialNumber: "A50285BI")
        return machine
    }

    @Test("are understood by udev: every line, every key", .enabled(if: mayMount))
    func understood() throws {
        let output = try test("/sys/class/tty/ttyUSB0", adapter())
        for line in output.split(separator: "\n") where line.contains("dbgsrv") {
            let isComplaint = ["Invalid", "Unknown", "ignoring", "failed"].contains {
                line.contains($0)
            }
            #expect(!isComplaint, "\(line)")
        }
        #expect(output.contains("62-dbgsrv-serial.rules"))
        #expect(output.contains("Reading rules file: /etc/udev/rules.d/63-dbgsrv-no-brltty.rules"))
    }

    @Test(
        "let dialout in, keep ModemManager away, and make a link by the COM name",
        .enabled(if: mayMount)
    )
    func effect() throws {
        let output = try test("/sys/class/tty/ttyUSB0", adapter())
        #expect(output.contains("62-dbgsrv-serial.rules:17 MODE 0660"))
        #expect(output.contains("ID_MM_DEVICE_IGNORE=1"))
        #expect(output.contains("DBGSRV_LINK=com1"))
        #expect(output.contains("/dev/dbgsrv/com1"))
        #expect(!output.contains("SYSTEMD_WANTS"))
        #expect(fileText(folder.path + "/names")?.hasPrefix("COM1 usb:0403:6001:A50285BI") == true)
    }

    @Test(
        "take a name from an earlier rule, and serve marked ports where the unit is installed",
        .enabled(if: mayMount)
    )
    func local() throws {
        let marks = """
            SUBSYSTEM=="tty", ENV{DBGSRV_COM}="7", ENV{DBGSRV_SERVE}="1"

            """
        let without = try test("/sys/class/tty/ttyUSB0", adapter(), rules: marks)
        #expect(without.contains("/dev/dbgsrv/com7"))
        #expect(fileText("\(folder.path)/names") == "", "the rule's name is its only one")
        #expect(!without.contains("SYSTEMD_WANTS"))
        guard FileManager.default.fileExists(atPath: "/etc/systemd/system") else {
            print("skipped: units have no folder on this machine")
            return
        }
        _ = try folder.file("units/dbgsrv@.service", "")
        let with = try test("/sys/class/tty/ttyUSB0", adapter(), rules: marks)
        #expect(with.contains("SYSTEMD_WANTS=dbgsrv@com7.service"), "\(with)")
    }

    @Test("leave names without hardware and consoles alone", .enabled(if: mayMount))
    func others() throws {
        var machine = MockMachine()
        machine.addUART(1, type: 0)
        machine.addConsole()
        for device in ["ttyS1", "tty1"] {
            let output = try test("/sys/class/tty/\(device)", machine)
            #expect(!output.contains("ID_MM_DEVICE_IGNORE"), "\(device)")
            #expect(!output.contains("DBGSRV_LINK"), "\(device)")
        }
    }

    @Test("set an FTDI adapter to pass bytes on at once", .enabled(if: mayMount))
    func latency() throws {
        var machine = MockMachine()
        machine.addAdapter(0, serialNumber: "A", attributes: ["latency_timer=16", "event_char="])
        let output = try test("/sys/bus/usb-serial/devices/ttyUSB0", machine)
        for (knob, value) in [("latency_timer", "1"), ("event_char", "256")] {
            let isSet = output.split(separator: "\n").contains { line in
                line.contains("ttyUSB0/\(knob)") && line.lowercased().contains("writing")
                    && (line.contains("'\(value)'") || line.contains("\"\(value)\""))
            }
            #expect(isSet, "\(knob): \(output)")
        }
    }

    @Test("have a label for every jump and balanced quotes")
    func wellFormed() throws {
        let key = try Regex(#"^[A-Z_]+(\{[^}]+\})?(==|!=|=|\+=|-=|:=)"[^"]*"$"#)
        for name in folderEntries(Self.source) where name.hasSuffix(".rules") {
            let text = try #require(fileText("\(Self.source)/\(name)"))
            let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
            for line in lines {
                for part in line.split(separator: ",") {
                    let word = part.trimmingCharacters(in: .whitespaces)
                    #expect(word.wholeMatch(of: key) != nil, "\(name): \(word)")
                }
            }
            for jump in text.matches(of: /GOTO="([^"]+)"/) {
                #expect(text.contains("LABEL=\"\(jump.output.1)\""), "\(name): \(jump.output.0)")
            }
        }
    }
}
