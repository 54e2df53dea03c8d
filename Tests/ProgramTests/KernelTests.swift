import Foundation
import LinuxSystem
import Testing

/// A tiny kernel (Tests/Kernel) in QEMU, whose stub a debugger can reach.
final class KernelMachine {
    /// How its stub is reached.
    enum Line {
        /// A Unix socket.
        case pipe
        /// A pseudo-terminal, which is a serial port to whoever opens it.
        case terminal
        /// A TCP port.
        case port(Int)
    }

    private static let emulator = "/usr/bin/qemu-system-x86_64"

    let program: RunningProgram
    let image: String
    /// What stands behind `-k`.
    let connection: String

    /// Starts it and waits until its stub can be reached; nil where there is no QEMU, which is said.
    ///
    /// - Parameter isBooted: whether the kernel is to be up; otherwise it stands before its first instruction.
    init?(in lab: Lab, _ line: Line = .pipe, processors: Int = 1, isBooted: Bool = false) throws {
        guard FileManager.default.isExecutableFile(atPath: Self.emulator) else {
            print("skipped: \(Self.emulator) is not here (Debian: qemu-system-x86)")
            return nil
        }
        image = try lab.compileKernel()
        let socket = "\(lab.folder)/kernel.socket"
        let character =
            switch line {
            case .pipe: "socket,id=stub,path=\(socket),server=on,wait=off"
            case .terminal: "pty,id=stub"
            case .port(let port): "socket,id=stub,host=127.0.0.1,port=\(port),server=on,wait=off"
            }
        program = try lab.startOther(
            Self.emulator,
            [
                "-accel", "tcg", "-M", "q35", "-m", "64", "-smp", "\(processors)", "-nodefaults",
                "-no-user-config", "-display", "none", "-no-reboot", "-kernel", image,
                "-debugcon", "stdio", "-chardev", character, "-gdb", "chardev:stub",
            ] + (isBooted ? [] : ["-S"])
        )
        switch line {
        case .pipe:
            connection = "com:pipe,port=\(socket)"
            try waitForSocket(socket)
        case .port(let port):
            connection = "com:ipport=\(port),port=127.0.0.1"
            try Self.waitUntilListening(port)
        case .terminal:
            try program.wait(for: " (label stub)")
            let match = program.output.firstMatch(of: /redirected to (\S+) \(label stub\)/)
            let path = try #require(match?.output.1, "\(program.output)")
            connection = "com:port=\(path),baud=115200"
        }
        // Firmware comes first, whose addresses are not the kernel's.
        if isBooted { try program.wait(for: "kernel is up\n") }
    }

    /// Asks the kernel of this machine: a connection would be the stub's only one.
    private static func waitUntilListening(_ port: Int) throws {
        let digits = String(port, radix: 16, uppercase: true)
        let place = "0100007F:" + String(repeating: "0", count: 4 - digits.count) + digits
        let deadline = Date(timeIntervalSinceNow: RunningProgram.patienceSeconds)
        while true {
            let table = try String(contentsOfFile: "/proc/net/tcp", encoding: .utf8)
            if table.contains("\(place) 00000000:0000 0A ") { return }
            try #require(Date() < deadline, "nobody listens on \(port)")
            usleep(10_000)
        }
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
        "from its first instruction: breakpoints, the stack to the entry, values, processors, modules"
    )
    func session() throws {
        let lab = try Lab()
        guard let machine = try KernelMachine(in: lab, processors: 2) else { return }
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
        // The second processor was never started: it sees nothing at the kernel's addresses.
        try cdb.type("db jiffies L1", until: "  ??")
        try cdb.type("~0s", until: "0: kd> ")
        let modules = try cdb.type("lm", until: "usb_core")
        #expect(modules.contains("ffffffff`a0000000 ffffffff`a0004000   e1000"), "\(modules)")
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

    @Test("a running kernel is broken into by Ctrl+C, over a serial line too, and runs on after q")
    func breakIn() throws {
        let lab = try Lab()
        guard let machine = try KernelMachine(in: lab, .terminal, isBooted: true) else { return }
        var counts: [UInt64] = []
        for _ in 0..<2 {
            let cdb = try lab.start("cdb", ["-k", machine.connection, machine.image])
            try cdb.wait(for: "kd> ")
            #expect(cdb.output.contains("Linux version 6.1.0-tiny (tests) #1\n"), "\(cdb.output)")
            cdb.type(".echo running;g\n")
            try cdb.wait(for: "running\n")
            cdb.forgetOutput()
            cdb.signal(SIGINT)
            try cdb.wait(
                for: "Break instruction exception - code 80000003 (first chance)\nvmlinux!"
            )
            let text = try cdb.type("? poi(jiffies)", until: " = 00000000`")
            let match = text.firstMatch(of: /Evaluate expression: (\d+)/)
            counts.append(UInt64(match?.output.1 ?? "0") ?? 0)
            cdb.type("q\n")
            #expect(try cdb.waitForExit() == 0)
        }
        #expect(counts[0] > 0 && counts[1] > counts[0], "\(counts)")
    }

    @Test("a kernel is no process: what starts, ends and lists them is refused")
    func refusals() throws {
        let lab = try Lab()
        guard let machine = try KernelMachine(in: lab, .port(try freePort())) else { return }
        let cdb = try lab.start("cdb", ["-k", machine.connection, machine.image])
        try cdb.wait(for: "kd> ")
        try cdb.type(
            ".kill",
            until: "^ Operation not supported by current debuggee error in '.kill'"
        )
        try cdb.type(".restart", until: "^ Operation not supported by current debuggee error")
        try cdb.type(".create /bin/true", until: "Create will proceed with next execution")
        try cdb.type("g", until: "^ Operation not supported by current debuggee error")
        try cdb.type(".tlist", until: "does not list processes")
        try cdb.type(".dump \(lab.folder)/x", until: "does not tell what memory the process has")
        try cdb.type("||", until: "Live kernel mode: <")
        cdb.type("q\n")
        #expect(try cdb.waitForExit() == 0)
    }

    @Test("dbgbridge serves a kernel's cable: cdb and gdb through TCP, one after the other")
    func bridge() throws {
        let lab = try Lab()
        guard let machine = try KernelMachine(in: lab, .terminal, isBooted: true) else { return }
        let port = try freePort()
        let bridge = try lab.start(
            "dbgbridge",
            ["-k", machine.connection, "-s", "tcp:port=\(port)", "-p"]
        )
        try bridge.wait(for: "listening on ", in: \.errors)
        let cdb = try lab.start("cdb", ["-k", "tcp:server=localhost,port=\(port)", machine.image])
        try cdb.wait(for: "kd> ")
        cdb.type(".echo running;g\n")
        try cdb.wait(for: "running\n")
        cdb.signal(SIGINT)
        try cdb.wait("the break") { $0.output.contains(/running\n[^>]*Break instruction/) }
        try cdb.type("k", until: "vmlinux!kernel_main+")
        // The cable is taken: the second client is told.
        let second = try lab.run("cdb", ["-k", "tcp:server=localhost,port=\(port)", machine.image])
        #expect(second.status == 2, "\(second)")
        try bridge.wait(for: "in use", in: \.errors)
        cdb.type("q\n")
        #expect(try cdb.waitForExit() == 0)
        try expectStack(fromGDB: lab, machine, port)
    }

    /// The bridge lets go of the cable when it has noticed that its client is gone; until then gdb is told that it is in use.
    private func expectStack(fromGDB lab: Lab, _ machine: KernelMachine, _ port: Int) throws {
        let deadline = Date(timeIntervalSinceNow: RunningProgram.patienceSeconds)
        while true {
            let text = try lab.gdb(
                ["target remote localhost:\(port)", "bt", "detach"],
                program: machine.image
            )
            if text.contains("kernel_main ()") { return }
            try #require(Date() < deadline, "\(text)")
        }
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
