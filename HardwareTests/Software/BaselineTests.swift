import Foundation
import LinuxSystem
import Testing

extension HardwareTests.SoftwareTests {
    @Suite("The same small session by three debuggers over one UART")
    struct BaselineTests {
        private static let steps = 20

        /// What a session cost.
        struct Cost {
            let name: String
            let toLab: Int
            let toDesk: Int
            let seconds: Double
        }

        /// A line under measurement.
        struct Setting {
            let name: String
            let line: DebuggingLine
            let device: String
            let cable: Wire
            let rate: Int
        }

        @Test(
            "cdb and gdb through dbgbridge carry fewer bytes than gdb with gdbserver, and take less time"
        )
        func compare() throws {
            guard let rig = SoftwareRig.use() else { return }
            let adapter = try rig.makeAdapter("usb3", serialNumber: "RIG3", baudRate: 921_600)
            let device = try rig.plug("usb3")
            defer { try? rig.lab.unplug("usb3") }
            let onUSB = DebuggingLine(
                lab: rig.lab,
                labPort: device,
                desk: rig.desk,
                deskPort: adapter.deskPort,
                worker: rig.line.worker
            )
            let settings = [
                Setting(
                    name: "16550",
                    line: rig.line,
                    device: "/dev/ttyS1",
                    cable: rig.cable,
                    rate: 115_200
                ),
                Setting(
                    name: "USB adapter",
                    line: onUSB,
                    device: device,
                    cable: adapter.cable,
                    rate: 921_600
                ),
            ]
            var rows: [String] = []
            for setting in settings {
                let costs = try measure(setting, rig)
                rows += costs.map { cost in
                    let seconds = String(format: "%.2f", cost.seconds)
                    return
                        "| \(setting.name), \(setting.rate) | \(cost.name) | \(cost.toLab) | \(cost.toDesk) | \(seconds) |"
                }
                guard let plain = costs.last else { continue }
                for cost in costs.dropLast() {
                    #expect(cost.toLab + cost.toDesk < plain.toLab + plain.toDesk, "\(cost.name)")
                    if setting.rate <= 115_200 {
                        #expect(cost.seconds < plain.seconds, "\(cost.name)")
                    }
                }
            }
            rows.forEach(note)
            try write(rows)
        }

        private func measure(_ setting: Setting, _ rig: SoftwareRig) throws -> [Cost] {
            let process = try setting.line.startWorker()
            defer { rig.lab.stop("worker") }
            var costs: [Cost] = []
            try setting.line.startServer(channel: 1, at: setting.rate)
            // The first has no symbols from earlier sessions.
            try rig.desk.require("rm -rf \(rig.folder)/cache")
            for name in ["cdb, first session", "cdb"] {
                costs.append(try cost(name, setting, cdb(setting, process), rig))
            }
            costs.append(try cost("gdb through dbgbridge", setting, bridge(setting, process), rig))
            setting.line.stopServers(1)
            try rig.desk.wait(for: "! ls \(rig.folder)/run/*.sock")

            // It neither locks the port nor sets its rate.
            try rig.lab.start("gdbserver", "gdbserver --attach \(setting.device) \(process)")
            defer { rig.lab.stop("gdbserver") }
            try rig.lab.wait(for: "grep -q 'Remote debugging using' /tmp/rig-gdbserver.log")
            costs.append(try cost("gdb with gdbserver", setting, plain(setting), rig))
            return costs
        }

        private func cost(
            _ name: String,
            _ setting: Setting,
            _ command: String,
            _ rig: SoftwareRig
        ) throws -> Cost {
            let before = setting.cable.counts
            let begin = monotonicNanoseconds()
            let output = try rig.desk.output(command, seconds: 120)
            let seconds = Double(monotonicNanoseconds() - begin) / 1e9
            let after = setting.cable.counts
            #expect(output.contains("measure"), "\(name): \(output)")
            return Cost(
                name: name,
                toLab: after.atLab - before.atLab,
                toDesk: after.atDesk - before.atDesk,
                seconds: seconds
            )
        }

        private func cdb(_ setting: Setting, _ process: Int) -> String {
            let steps = String(repeating: ";t", count: Self.steps)
            return
                "cdb -premote \(setting.line.deskChannel(1, at: setting.rate)) -lines -p \(process) "
                + "-c 'k;l+t;bp worker!measure;g;bc *\(steps);qd' 2>&1"
        }

        private func gdb(_ setting: Setting, _ commands: [String]) -> String {
            let all =
                ["set sysroot /", "set remotetimeout 30"] + commands
                + ["bt", "tbreak measure", "continue"] + Array(repeating: "step", count: Self.steps)
                + ["detach"]
            let words = all.map { "-ex '\($0)'" }.joined(separator: " ")
            return "gdb -nx -q -batch \(words) \(setting.line.worker.desk) 2>&1 </dev/null"
        }

        private func bridge(_ setting: Setting, _ process: Int) -> String {
            let channel = setting.line.deskChannel(1, at: setting.rate)
            return gdb(
                setting,
                [
                    "target extended-remote | dbgbridge -c \(channel) -s stdio",
                    "attach \(process)",
                ]
            )
        }

        private func plain(_ setting: Setting) -> String {
            gdb(setting, ["target remote \(setting.line.deskPort)"])
        }

        /// Puts the figures into a document, between two marks.
        private func write(_ rows: [String]) throws {
            guard let path = ProcessInfo.processInfo.environment["RIG_BENCH"] else { return }
            let text = try String(contentsOfFile: path, encoding: .utf8)
            let (first, last) = ("<!-- rig: begin -->", "<!-- rig: end -->")
            guard let begin = text.range(of: first), let end = text.range(of: last) else {
                throw MachineFailure(description: "\(path) has no \(first) and \(last)")
            }
            let head = [
                "", "| line, baud | debugger | bytes to the lab | bytes to the desk | seconds |",
                "|---|---|---:|---:|---:|",
            ]
            let table = (head + rows + [""]).joined(separator: "\n") + "\n"
            let changed =
                text[..<begin.upperBound] + "\n" + table.dropFirst() + text[end.lowerBound...]
            try String(changed).write(toFile: path, atomically: true, encoding: .utf8)
        }
    }
}
