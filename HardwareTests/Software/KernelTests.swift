import Foundation
import LinuxSystem
import Testing

extension HardwareTests.SoftwareTests {
    @Suite("The kernel of the lab machine, through QEMU's stub")
    struct KernelTests {
        /// A function of the kernel that every open(2) comes through.
        private static let function = "do_sys_openat2"

        private func address(_ rig: SoftwareRig) throws -> String {
            let line = try rig.lab.require("grep ' \(Self.function)$' /proc/kallsyms")
            return "0x" + (line.split(separator: " ").first.map(String.init) ?? "0")
        }

        @Test("gdb stops it at a breakpoint and lets it run on")
        func gdb() throws {
            guard let rig = SoftwareRig.use() else { return }
            let address = try address(rig)
            let commands = [
                "set architecture i386:x86-64", "target remote \(rig.lab.folder)/stub",
                "hbreak *\(address)", "continue", "info threads", "x/2i $pc", "delete", "detach",
            ].map { "-ex '\($0)'" }.joined(separator: " ")
            let output = try rig.desk.output("gdb -nx -q -batch \(commands) 2>&1 </dev/null")
            #expect(output.contains("Breakpoint 1, \(address)"), "\(output)")
            #expect(output.contains("=> \(address)"), "\(output)")
            #expect(try rig.lab.output("echo alive") == "alive\n")
        }

        @Test("cdb -k breaks in, stops it at a hardware breakpoint, and lets it run on")
        func cdb() throws {
            guard let rig = SoftwareRig.use() else { return }
            let address = try address(rig)
            let cdb = try rig.desk.converse("cdb -k com:pipe,port=\(rig.lab.folder)/stub")
            try cdb.wait(for: "kd> ")
            try cdb.type("ba e1 \(address)")
            try cdb.type("g")
            try cdb.wait(for: "Breakpoint 0 hit")
            try cdb.type(".if (@rip == \(address)) { .echo at the function }")
            try cdb.wait(for: "at the function\n")
            try cdb.type("bc *")
            try cdb.type("q")
            #expect(try cdb.waitForEnd().status == 0)
            #expect(try rig.lab.output("echo alive") == "alive\n")
        }
    }
}
