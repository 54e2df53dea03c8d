import Foundation
import Testing

@Suite("Core files: opened, written, and what cannot be done with them")
struct DumpTests {
    @Test("a core of the kernel's: the signal, the address, every thread, lines, values, modules")
    func kernelCore() throws {
        let lab = try Lab()
        guard let core = try lab.kernelCore() else { return }
        let result = try lab.run(
            "cdb",
            ["-z", core, "-c", "~*k;dv;dd crasher!counter L1;da poi(greeting);.lastevent;lm;q"]
        )
        #expect(result.status == 0)
        let text = result.output
        #expect(text.contains("Loading Dump File [\(core)]\n"))
        #expect(text.contains("CommandLine: \(lab.crasher)\n"))
        #expect(text.contains("The stored exception information can be accessed via .ecxr.\n"))
        #expect(text.contains("): Access violation - code c0000005 (first/second chance not"))
        #expect(text.contains("SIGSEGV, SEGV_MAPERR at 00000000`00000008: nothing is mapped there"))
        #expect(text.contains("crasher!descend+"))
        #expect(text.contains("ds:00000000`00000008=????????"))
        #expect(text.matches(of: /crasher!worker\+/).count == 2, "\(text)")
        #expect(text.matches(of: /crasher!descend\+.*@ \d+\]/).count >= 3)
        #expect(text.contains("record = 0x00000000`00000008"))
        #expect(text.contains("0000002c"))
        #expect(text.contains("\"hello core\""))
        #expect(text.contains("Last event: "))
        #expect(text.contains("libc_so"))
        #expect(result.errors.isEmpty, "\(result.errors)")
    }

    @Test("nothing runs and nothing changes: refusals in CDB's words, and q ends it")
    func refusals() throws {
        let lab = try Lab()
        let core = try lab.gdbCore()
        let cdb = try lab.start("cdb", ["-z", core])
        try cdb.wait(for: "0:000> ")
        try cdb.type("g", until: "^ No runnable debuggees error in 'g'")
        try cdb.type("p", until: "^ No runnable debuggees error in 'p'")
        try cdb.type(
            "bp main",
            until: "^ Operation not supported by current debuggee error in 'bp main'"
        )
        try cdb.type(
            ".kill",
            until: "^ Operation not supported by current debuggee error in '.kill'"
        )
        try cdb.type("eb @rsp 1", until: "No runnable debuggees: this is a core file")
        try cdb.type("r rax=5", until: "No runnable debuggees: this is a core file")
        try cdb.type(".restart", until: "cannot be restarted")
        try cdb.type(".endpsrv", until: "There is no process server")
        try cdb.type(".tlist", until: "does not list processes")
        try cdb.type(".detach", until: "Detached\nNoTarget> ")
        cdb.type("q\n")
        #expect(try cdb.waitForExit() == 0)
        #expect(cdb.output.hasSuffix("quit:\n"))
    }

    @Test("a core that gdb made: .exr, .ecxr, and the thread of the event")
    func gdbCore() throws {
        let lab = try Lab()
        let core = try lab.gdbCore()
        let result = try lab.run("cdb", ["-z", core, "-c", "~1s;.exr -1;.ecxr;~;q"])
        let text = result.output
        #expect(text.contains("ExceptionAddress: "))
        #expect(text.contains("(crasher!descend+0x"))
        #expect(text.contains("   ExceptionCode: c0000005 (Access violation)\n"))
        #expect(text.contains("   Parameter[1]: 0000000000000008\n"))
        #expect(text.contains("rip=0000"))
        #expect(text.contains(".  0  Id: "), "\(text)")
    }

    @Test("several core files at once: -z twice, .opendump and g, | chooses")
    func several() throws {
        let lab = try Lab()
        let core = try lab.gdbCore()
        let cdb = try lab.start("cdb", ["-z", core, "-z", core])
        try cdb.wait(for: "1:003> ")
        try cdb.type(".opendump \(core)", until: "Opened '\(core)'")
        try cdb.type("g", until: "2:006> ")
        try cdb.type("|", until: "2\tid: ")
        try cdb.type("|0s", until: "0:000> ")
        try cdb.type("k", until: "crasher!main+")
        cdb.type("q\n")
        #expect(try cdb.waitForExit() == 0)
    }

    @Test(
        "a binary of another build is named and not used; -i and a named program find the right one"
    )
    func otherBuild() throws {
        let lab = try Lab()
        let core = try lab.gdbCore()
        let right = "\(lab.folder)/right"
        try FileManager.default.createDirectory(atPath: right, withIntermediateDirectories: true)
        try FileManager.default.moveItem(atPath: lab.crasher, toPath: "\(right)/crasher")
        _ = try lab.compile("Demo/steps.c", as: "crasher")
        let wrong = try lab.run("cdb", ["-z", core, "-c", "k;q"])
        #expect(
            wrong.output.contains(
                "*** WARNING: \(lab.crasher) is not what the process had mapped as \(lab.crasher):"
                    + " its build-id differs; it is not used"
            ),
            "\(wrong.output)"
        )
        #expect(!wrong.output.contains("crasher!descend"))
        let found = try lab.run("cdb", ["-z", core, "-i", right, "-c", "k;q"])
        #expect(found.output.contains("crasher!descend+"), "\(found.output)")
        try FileManager.default.moveItem(atPath: "\(right)/crasher", toPath: "\(right)/other")
        let named = try lab.run("cdb", ["-z", core, "-c", "k;q", "\(right)/other"])
        #expect(named.output.contains("crasher!descend+"), "\(named.output)")
        // The path may be set later, too.
        let later = try lab.run(
            "cdb",
            ["-z", core, "-c", ".exepath \(right)/none;.reload;.exepath \(right);.reload;k;q"]
        )
        #expect(later.status == 0)
    }

    @Test("a core that is cut off anywhere is used as far as it goes, or named; never a crash")
    func truncated() throws {
        let lab = try Lab()
        let core = try lab.gdbCore()
        let whole = try Data(contentsOf: URL(fileURLWithPath: core))
        for count in [10, 64, 1000, 5000, 12_000, whole.count / 4, whole.count - 100_000] {
            let path = "\(lab.folder)/cut"
            try whole.prefix(count).write(to: URL(fileURLWithPath: path))
            let result = try lab.run("cdb", ["-z", path, "-c", "~*k;lm;dv;.ecxr;q"])
            #expect([0, 3].contains(result.status), "\(count): \(result)")
            let said = result.status == 0 ? result.output : result.errors
            #expect(said.contains("cut"), "\(count): \(said)")
        }
    }

    @Test("what is no core file is said in a sentence")
    func noCore() throws {
        let lab = try Lab()
        _ = try lab.compile("Demo/crasher.c", as: "crasher")
        let program = try lab.run("cdb", ["-z", lab.crasher])
        #expect(program.status == 3)
        #expect(
            program.errors == "cdb: \(lab.crasher) is a program or a library, not a core file\n"
        )
        let absent = try lab.run("cdb", ["-z", "/no/such/core"])
        #expect(absent.errors.contains("/no/such/core: No such file or directory"), "\(absent)")
        let folder = try lab.run("cdb", ["-z", lab.folder])
        #expect(folder.status == 3 && !folder.errors.isEmpty)
        let server = try lab.run("cdb", ["-premote", "tcp:server=x,port=1", "-z", "core"])
        #expect(server.status == 1)
        #expect(server.errors.contains("-premote"))
        let more = try lab.run("cdb", ["-z", "core", "program", "argument"])
        #expect(more.status == 1)
        #expect(more.errors.contains("behind -z CoreFile only the program"))
    }

    @Test(".dump of what runs: stock gdb, stock lldb and cdb read it, mini, full and all")
    func written() throws {
        let lab = try Lab()
        _ = try lab.compile("Demo/crasher.c", as: "crasher")
        for (option, name) in [("", "mini"), ("/ma", "full"), ("/f", "all")] {
            let path = "\(lab.folder)/\(name).core"
            let made = try lab.run(
                "cdb",
                ["-g", "-c", "~*k;.dump \(option) \(path);r;q", lab.crasher]
            )
            #expect(made.output.contains("Creating \(path) - "), "\(made)")
            #expect(made.output.contains("Dump successfully written\n"), "\(made)")
            try checkWithGDB(lab, path, name)
            try checkWithLLDB(lab, path)
            let own = try lab.run("cdb", ["-z", path, "-c", "~*k;dv;.exr -1;q"])
            #expect(own.output.matches(of: /crasher!worker\+/).count == 2, "\(own)")
            #expect(own.output.contains("record = 0x00000000`00000008"))
            #expect(own.output.contains("ExceptionCode: c0000005"))
            #expect(own.output.contains("\"crasher\"") || own.output.contains("crasher!main+"))
        }
    }

    private func checkWithGDB(_ lab: Lab, _ path: String, _ name: String) throws {
        let text = try lab.gdb(
            [
                "core-file \(path)", "bt", "info threads", "info sharedlibrary",
                "p $_siginfo.si_signo", "p $_siginfo._sifields._sigfault.si_addr",
                "info proc mappings", "thread 2", "bt", "p $_siginfo.si_signo",
            ],
            program: lab.crasher
        )
        #expect(text.contains("Program terminated with signal SIGSEGV"), "\(name): \(text)")
        #expect(text.contains(/#0 .* descend \(record=0x8, depth=0\)/), "\(name): \(text)")
        #expect(text.contains(/#3 .* main \(argc=1, argv=0x/), "\(name): \(text)")
        #expect(text.matches(of: /\(LWP \d+\)|LWP \d+/).count >= 3, "\(name): \(text)")
        #expect(text.contains("libc.so.6"), "\(name): \(text)")
        #expect(text.contains("$1 = 11\n") && text.contains("= (void *) 0x8"), "\(name): \(text)")
        #expect(text.contains(lab.crasher), "\(name): \(text)")
        #expect(text.contains(/worker \(argument=0x[12]\)/), "\(name): \(text)")
    }

    private func checkWithLLDB(_ lab: Lab, _ path: String) throws {
        let transcript = try lab.lldb(
            [
                "target create -c \(path) \(lab.crasher)", "thread list", "bt", "image list",
                "register read rip",
            ]
        )
        #expect(transcript.contains("stop reason = signal SIGSEGV"), "\(transcript)")
        #expect(transcript.contains("descend(record=0x0000000000000008, depth=0)"), "\(transcript)")
        #expect(transcript.contains("thread #3: tid = "), "\(transcript)")
        #expect(transcript.contains("libc.so.6"), "\(transcript)")
        #expect(transcript.contains("rip = 0x"), "\(transcript)")
    }

    @Test("what a mini dump leaves out is not made up from files, and its letters add it")
    func parts() throws {
        let lab = try Lab()
        _ = try lab.compile("Demo/crasher.c", as: "crasher")
        let folder = lab.folder
        let dumps = ".dump \(folder)/m;.dump /md \(folder)/md;.dump /mdp \(folder)/mdp"
        let made = try lab.run("cdb", ["-g", "-c", "\(dumps);.dump /mh x", lab.crasher])
        #expect(made.output.contains("has no place for"), "\(made)")
        func look(_ name: String) throws -> String {
            try lab.run("cdb", ["-z", "\(folder)/\(name)", "-c", "dd counter L1;da poi(heap)"])
                .output
        }
        #expect(try look("m").contains("????????"))
        let data = try look("md")
        #expect(data.contains("0000002c") && !data.contains("on the heap"), "\(data)")
        #expect(try look("mdp").contains("\"on the heap\""))
    }

    @Test("names: one that is there is not overwritten without /o, /u marks it, /c is shown")
    func names() throws {
        let lab = try Lab()
        let core = try lab.gdbCore()
        let path = "\(lab.folder)/again.core"
        let commands =
            ".dump /c \"a comment\" \(path);.dump /o \(path);.dump /u \(path);.dump \(path)"
        let result = try lab.run("cdb", ["-z", core, "-c", commands])
        #expect(result.output.contains("is there already; .dump /o overwrites it"), "\(result)")
        let files = try FileManager.default.contentsOfDirectory(atPath: lab.folder)
        #expect(
            files.contains { $0.contains(/^again_\d{4}-\d\d-\d\d_.*_[0-9a-f]+\.core$/) },
            "\(files)"
        )
        #expect(!files.contains { $0.hasSuffix(".part") })
        let comment = try lab.run(
            "cdb",
            ["-z", core, "-c", ".dump /c \"why not\" \(path)2;.opendump \(path)2;g;q"]
        )
        #expect(comment.output.contains("Comment: 'why not'\n"), "\(comment)")
    }

    @Test(".dump through a process server; Ctrl+C stops a long one and leaves nothing")
    func remote() throws {
        let lab = try Lab()
        _ = try lab.compile("Demo/crasher.c", as: "crasher")
        _ = try lab.startServer("npipe:pipe=target")
        let path = "\(lab.folder)/remote.core"
        let cdb = try lab.start(
            "cdb",
            ["-premote", "npipe:server=localhost,pipe=target", "-g", lab.crasher]
        )
        try cdb.wait(for: "Access violation")
        try cdb.type(".dump \(path)", until: "Dump successfully written")
        try checkWithGDB(lab, path, "remote")
        cdb.forgetOutput()
        cdb.type(".dump /f \(path)2\n")
        try cdb.wait(for: "Creating \(path)2")
        cdb.signal(SIGINT)
        try cdb.wait("the end of the dump") {
            $0.output.contains("User interrupted operation") || $0.output.contains("successfully")
        }
        let isWritten = cdb.output.contains("successfully")
        let files = try FileManager.default.contentsOfDirectory(atPath: lab.folder)
        #expect(files.contains("remote.core2") == isWritten)
        #expect(!files.contains { $0.hasSuffix(".part") }, "\(files)")
        cdb.type("q\n")
        _ = try cdb.waitForExit()
    }

    @Test("a session on a core file is shared like any other")
    func shared() throws {
        let lab = try Lab()
        let core = try lab.gdbCore()
        let server = try lab.start("cdb", ["-server", "tcp:port=0", "-z", core])
        try server.wait(for: "0:000> ")
        let match = server.output.firstMatch(of: /Port=(\d+)/)
        let port = try #require(match?.output.1, "\(server.output)")
        let client = try lab.start("cdb", ["-remote", "tcp:server=localhost,port=\(port)"])
        try client.wait("its first prompt") {
            $0.output.contains(" connected at ") && $0.output.hasSuffix("> ")
        }
        try client.type("k", until: "crasher!main+")
        try server.wait(for: "crasher!main+")
        try client.type("g", until: "No runnable debuggees")
        client.type("qq\n")
        #expect(try server.waitForExit() == 0)
        _ = try client.waitForExit()
    }
}

extension Lab {
    /// Where the crashing program is.
    var crasher: String { "\(folder)/crasher" }

    /// A core that the kernel writes of the crashing program; nil where it writes none here, which is said.
    fileprivate func kernelCore() throws -> String? {
        let pattern = try String(contentsOfFile: "/proc/sys/kernel/core_pattern", encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        guard !pattern.hasPrefix("|"), !pattern.hasPrefix("/") else {
            print("skipped: core files of this machine go elsewhere (core_pattern \(pattern))")
            return nil
        }
        _ = try compile("Demo/crasher.c", as: "crasher")
        let cores = "\(folder)/cores"
        try FileManager.default.createDirectory(atPath: cores, withIntermediateDirectories: true)
        _ = try ProgramTests.run(
            "/bin/sh",
            ["-c", "ulimit -c unlimited && cd \(cores) && \(crasher); true"]
        )
        let files = try FileManager.default.contentsOfDirectory(atPath: cores)
        guard let file = files.first else {
            print("skipped: the kernel writes no core file here (ulimit -c, a container's rules)")
            return nil
        }
        return "\(cores)/\(file)"
    }

    /// A core that gdb makes of the crashing program.
    fileprivate func gdbCore() throws -> String {
        _ = try compile("Demo/crasher.c", as: "crasher")
        let core = "\(folder)/gdb.core"
        let text = try gdb(["run", "generate-core-file \(core)", "kill"], program: crasher)
        try #require(FileManager.default.fileExists(atPath: core), "\(text)")
        return core
    }
}
