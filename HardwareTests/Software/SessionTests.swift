import Foundation
import LinuxSystem
import Testing

extension HardwareTests.SoftwareTests {
    @Suite("Debugging over a UART")
    struct SessionTests {
        @Test(
            "cdb debugs a program of the lab machine at standard and odd rates",
            arguments: [9600, 12_345, 57_600, 115_200]
        )
        func cdbAtRate(rate: Int) throws {
            guard let rig = SoftwareRig.use() else { return }
            let line = rig.line
            rig.cable.baudRate = rate
            defer { rig.cable.baudRate = 115_200 }
            try line.startServer(channel: 7, at: rate)
            defer { line.stopServers(7) }
            #expect(try rig.look(at: "/dev/ttyS1")["speed"] == "\(rate)")
            let process = try line.startWorker()
            defer { rig.lab.stop("worker") }
            let begin = monotonicNanoseconds()
            let output = try line.cdb(process, channel: 7, at: rate)
            note("cdb at \(rate) baud: \((monotonicNanoseconds() - begin) / 1_000_000) ms")
            DebuggingLine.expectCdbSession(output)
            try rig.expectRunsFree(process)
        }

        @Test("gdb debugs it through dbgbridge")
        func gdb() throws {
            guard let rig = SoftwareRig.use() else { return }
            let line = rig.line
            try line.startServer(channel: 3, at: 115_200)
            defer { line.stopServers(3) }
            let process = try line.startWorker()
            defer { rig.lab.stop("worker") }
            DebuggingLine.expectGdbSession(try line.gdb(process, channel: 3, at: 115_200))
            try rig.expectRunsFree(process)
        }

        @Test("three debuggers on three channels at once, and the list of who serves")
        func threeChannels() throws {
            guard let rig = SoftwareRig.use() else { return }
            let line = rig.line
            for channel in 1...3 { try line.startServer(channel: channel, at: 115_200) }
            defer { line.stopServers(1, 2, 3) }
            let list = try rig.desk.output("cdb -QR com:port=\(line.deskPort),baud=115200 2>&1")
            for channel in 1...3 { #expect(list.contains("Channel=\(channel) "), "\(list)") }

            let processes = try (1...3).map { try line.startWorker("worker-\($0)") }
            defer { (1...3).forEach { rig.lab.stop("worker-\($0)") } }
            let cdbs = try zip(1...2, processes).map { channel, process in
                try rig.desk.converse(
                    "cdb -premote \(line.deskChannel(channel, at: 115_200)) -lines -p \(process)"
                )
            }
            for cdb in cdbs {
                try cdb.wait(for: "> ")
                try cdb.type("bp worker!store")
                try cdb.type("g")
            }
            for cdb in cdbs { try cdb.wait(for: "Breakpoint 0 hit") }
            // Both stand at their breakpoints all the while.
            DebuggingLine.expectGdbSession(try line.gdb(processes[2], channel: 3, at: 115_200))
            for (cdb, process) in zip(cdbs, processes) {
                #expect(try rig.tracer(of: process) != "0")
                try cdb.type("k")
                try cdb.wait(for: "worker!measure+")
                try cdb.type("bc *")
                try cdb.type("qd")
                #expect(try cdb.waitForEnd().status == 0)
            }
            for process in processes { try rig.expectRunsFree(process) }
        }

        @Test("a cut of the cable in the middle of a session is made up for")
        func cut() throws {
            guard let rig = SoftwareRig.use() else { return }
            let line = rig.line
            try line.startServer(channel: 4, at: 115_200)
            defer { line.stopServers(4) }
            let process = try line.startWorker()
            defer { rig.lab.stop("worker") }
            let cdb = try rig.desk.converse(
                "cdb -premote \(line.deskChannel(4, at: 115_200)) -lines -p \(process)"
            )
            try cdb.wait(for: "> ")
            rig.cable.isCut = true
            try cdb.type("bp worker!store")
            try cdb.type("g")
            let before = rig.cable.counts
            let end = monotonicNanoseconds() + 5_000_000_000
            while rig.cable.counts.atLab == before.atLab && monotonicNanoseconds() < end {
                var none: [PollRequest] = []
                try pollDescriptors(&none, timeoutMilliseconds: 250)
            }
            rig.cable.isCut = false
            try cdb.wait(for: "Breakpoint 0 hit")
            try cdb.type("qd")
            #expect(try cdb.waitForEnd().status == 0)
            try rig.expectRunsFree(process)
        }

        @Test("a BREAK on the line is counted and harms nobody")
        func lineBreak() throws {
            guard let rig = SoftwareRig.use() else { return }
            let line = rig.line
            try line.startServer(channel: 5, at: 115_200)
            defer { line.stopServers(5) }
            let process = try line.startWorker()
            defer { rig.lab.stop("worker") }
            let cdb = try rig.desk.converse(
                "cdb -premote \(line.deskChannel(5, at: 115_200)) -lines -p \(process)"
            )
            try cdb.wait(for: "> ")
            // One at a time: the chip tells of one, however many came before its driver looked.
            let before = try breaks(rig.lab)
            for count in 1...3 {
                try rig.lab.sendBreak("line1")
                try rig.lab.wait(
                    for: "dbgcom stats com2 --json | grep -q '\"uart-breaks\": \(before + count),'"
                )
            }
            try cdb.type("bp worker!store")
            try cdb.type("g")
            try cdb.wait(for: "Breakpoint 0 hit")
            try cdb.type("qd")
            #expect(try cdb.waitForEnd().status == 0)
        }

        /// How many BREAKs the port's driver has counted.
        private func breaks(_ lab: some Machine) throws -> Int {
            let status = try lab.require("dbgcom stats com2 --json")
            let count = status.firstMatch(of: /"uart-breaks": (\d+)/).flatMap { Int($0.output.1) }
            return try #require(count, "\(status)")
        }
    }
}

extension SoftwareRig {
    /// The cable between ttyS1 and the desk.
    var line: DebuggingLine {
        DebuggingLine(
            lab: lab,
            labPort: "com2",
            desk: desk,
            deskPort: deskPort,
            worker: ("/payload/bin/worker", worker)
        )
    }

    /// The debuggee's file at the desk.
    var worker: String { ProcessInfo.processInfo.environment["RIG_WORKER"] ?? "worker" }

    /// Which process traces another on the lab machine; 0 for none.
    func tracer(of process: Int) throws -> String {
        try lab.require("sed -n 's/^TracerPid:[[:space:]]*//p' /proc/\(process)/status")
            .trimmingCharacters(in: .newlines)
    }

    /// A process of the lab machine is there, is not traced, and is not stopped.
    func expectRunsFree(_ process: Int) throws {
        try lab.wait(for: "grep -q '^TracerPid:.0$' /proc/\(process)/status", seconds: 20)
        let state = try lab.require("sed -n 's/^State:[[:space:]]*//p' /proc/\(process)/status")
        #expect(state.hasPrefix("S") || state.hasPrefix("R"), "\(state)")
    }
}
