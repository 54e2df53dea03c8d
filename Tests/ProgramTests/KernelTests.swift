import Foundation
import LinuxSystem
import Testing

/// A tiny kernel (Tests/Kernel) in QEMU, whose stub a debugger can reach.
final class KernelMachine {
    private static let emulator = "/usr/bin/qemu-system-x86_64"

    let program: RunningProgram
    let image: String
    /// What stands behind `-k`.
    let connection: String

    /// Starts it, before its first instruction, with its stub on a Unix socket; nil where there is no QEMU, which is said.
    init?(in lab: Lab, processors: Int = 1) throws {
        guard FileManager.default.isExecutableFile(atPath: Self.emulator) else {
            print("skipped: \(Self.emulator) is not here (Debian: qemu-system-x86)")
            return nil
        }
        image = try lab.compileKernel()
        let socket = "\(lab.folder)/kernel.socket"
        program = try lab.startOther(
            Self.emulator,
            [
                "-accel", "tcg", "-M", "q35", "-m", "64", "-smp", "\(processors)", "-nodefaults",
                "-no-user-config", "-display", "none", "-no-reboot", "-kernel", image,
                "-chardev", "socket,id=stub,path=\(socket),server=on,wait=off", "-gdb",
                "chardev:stub", "-S",
            ]
        )
        connection = "com:pipe,port=\(socket)"
        try waitForSocket(socket)
    }
}

extension Lab {
    /// Builds the tiny kernel.
    fileprivate func compileKernel() throws -> String {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Kernel").path
        let output = "\(folder)/vmlinux"
        let flags = [
            "-g", "-O0", "-ffreestanding", "-fno-stack-protector", "-mno-red-zone",
            "-mcmodel=kernel", "-fno-pic", "-no-pie", "-nostdlib", "-static",
            "-mgeneral-regs-only", "-Wl,-T,\(tests)/kernel.ld", "-Wl,--build-id=sha1",
            "-Wl,-z,max-page-size=4096",
        ]
        let result = try ProgramTests.run(
            "/usr/bin/gcc",
            flags + ["-o", output, "\(tests)/start.S", "\(tests)/kernel.c"]
        )
        try #require(result.status == 0, "\(result.errors)")
        return output
    }
}

@Suite("Kernels: cdb -k on a virtual machine's stub", .serialized)
struct KernelTests {
    @Test(
        "from its first instruction: breakpoints, the stack to the entry, values, processors"
    )
    func session() throws {
        let lab = try Lab()
        guard let machine = try KernelMachine(in: lab, processors: 2) else {
            return
        }
        let cdb = try lab.start("cdb", ["-k", machine.connection, machine.image])
        try cdb.wait(for: "0: kd> ")
        #expect(cdb.output.contains("Kernel Debugger connection established.\n"))
        #expect(cdb.output.contains("Kernel base = ffffffff`81000000\n"), "\(cdb.output)")
        #expect(cdb.output.contains("\nBreak instruction exception - code 80000003"))
        // There is no kernel in memory yet.
        #expect(cdb.output.contains("has not been loaded yet"), "\(cdb.output)")
        try cdb.type("bp tick", until: "kd> ")
        try cdb.type("g", until: "Breakpoint 0 hit\nvmlinux!tick+")
        let stack = try cdb.type("k", until: "vmlinux!start64+")
        #expect(stack.contains(/vmlinux!schedule\+.*kernel\.c @ \d+/), "\(stack)")
        #expect(stack.contains("vmlinux!kernel_main+"))
        try cdb.type("dv step", until: "step = 0n1")
        try cdb.type("g", until: "Breakpoint 0 hit")
        try cdb.type("dv step", until: "step = 0n2")
        try cdb.type("~", until: "   1  Id: 1.2")
        try cdb.type("~1s", until: "1: kd> ")
        try cdb.type("~0s", until: "0: kd> ")
        try cdb.type("p", until: "kd> ")
        try cdb.type("q", until: "quit:")
        #expect(try cdb.waitForExit() == 0)
    }

    @Test("hardware breakpoints and watchpoints, and writing memory")
    func hardware() throws {
        let lab = try Lab()
        guard let machine = try KernelMachine(in: lab) else { return }
        let cdb = try lab.start("cdb", ["-k", machine.connection, "-y", lab.folder])
        try cdb.wait(for: "kd> ")
        try cdb.type("ba e1 schedule", until: "kd> ")
        try cdb.type("g", until: "Breakpoint 0 hit\nvmlinux!schedule+")
        try cdb.type("bc 0;ba w8 jiffies;g", until: "Breakpoint 0 hit\nvmlinux!tick+")
        try cdb.type("bc *;eq jiffies 1234;? poi(jiffies)", until: "= 00000000`00001234")
        cdb.type("q\n")
        #expect(try cdb.waitForExit() == 0)
    }

    @Test("a session on a kernel is shared like any other")
    func shared() throws {
        let lab = try Lab()
        guard let machine = try KernelMachine(in: lab) else { return }
        let server = try lab.start(
            "cdb",
            ["-server", "npipe:pipe=kernel", "-k", machine.connection, machine.image]
        )
        try server.wait(for: "kd> ")
        let client = try lab.start("cdb", ["-remote", "npipe:server=localhost,pipe=kernel"])
        try client.wait("its first prompt") {
            $0.output.contains(" connected at ") && $0.output.hasSuffix("> ")
        }
        try client.type("bp tick;g", until: "Breakpoint 0 hit\nvmlinux!tick+")
        try server.wait(for: "Breakpoint 0 hit\nvmlinux!tick+")
        client.type("qq\n")
        #expect(try server.waitForExit() == 0)
        _ = try client.waitForExit()
    }

    @Test("what is wrong with -k is said in a sentence")
    func mistakes() throws {
        let lab = try Lab()
        for (arguments, words) in [
            (["-k", "com:port=com2"], "-k com: baud"), (["-k", "com:pipe"], "-k com: port"),
            (["-k", "usb:x"], "there is no transport 'usb'"),
            (["-k", "com:pipe,port=\(lab.folder)/none"], "No such file"),
            (["-premote", "tcp:server=x,port=1", "-k", "com:pipe,port=x"], "-premote"),
            (["-k", "com:pipe,port=x", "vmlinux", "more"], "the kernel's image"),
        ] {
            let result = try lab.run("cdb", arguments)
            #expect([1, 2].contains(result.status), "\(result)")
            #expect(result.errors.contains(words), "\(arguments): \(result)")
        }
    }
}
