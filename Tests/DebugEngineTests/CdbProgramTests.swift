import Foundation
import Glibc
import LinuxSystem
import Testing

@Suite("cdb over a real gdbserver")
struct CdbProgramTests {
    @Test("Commands of -c run to the end: breakpoint, stack with lines, locals, exit")
    func initialCommands() throws {
        let server = try GDBServerProcess()
        let commands = "bp add;g;kn;dv;gu;dv result;bc *;g;q"
        let cdb = try server.cdb(["-c", commands, Debuggee.path])
        let (text, status) = try cdb.finish()
        #expect(status == 0)
        let file = "\(Debuggee.path).c"
        #expect(text.contains("CommandLine: \(Debuggee.path)\n"))
        #expect(text.contains("cdb: Reading initial command '\(commands)'\n"))
        #expect(text.contains("code 80000003 (first chance)\nld_linux_x86_64_so!_start"))
        #expect(text.contains("Breakpoint 0 hit\nsample!add+0xa [\(file) @ "))
        let line = Debuggee.line("int result = add")
        #expect(text.contains("     sample!twice+0x1a [\(file) @ \(line)] \n"))
        #expect(text.contains("     sample!main+"))
        #expect(text.contains("               left = 0n1\n              right = 0n1\n"))
        #expect(text.contains("code 7\n"))
        #expect(text.hasSuffix("quit:\n"))
    }

    @Test("Steps go by line or by instruction, over calls and into them")
    func stepping() throws {
        let server = try GDBServerProcess()
        let cdb = try server.cdb([Debuggee.path])
        let call = Debuggee.line("twice(i);")
        try cdb.send("bp `sample.c:\(call)`")
        try cdb.send("g")
        try cdb.expect("Breakpoint 0 hit\nsample!main+")
        try cdb.send("l+t")
        try cdb.send("t")
        try cdb.expect("sample!twice+0xb [\(Debuggee.path).c @ \(Debuggee.line("int result"))]:")
        try cdb.send("p")
        try cdb.expect("[\(Debuggee.path).c @ \(Debuggee.line("return result"))]:")
        try cdb.send("gu")
        try cdb.expect("sample!main+")
        try cdb.send("l-t")
        try cdb.send("p 2")
        try cdb.send("r rip")
        try cdb.expect("rip=0000")
        try cdb.send("q")
        #expect(try cdb.finish().status == 0)
    }

    @Test("Threads are listed, chosen, and have stacks of their own")
    func threads() throws {
        let server = try GDBServerProcess()
        let cdb = try server.cdb([Debuggee.path])
        try cdb.send("bp `sample.c:\(Debuggee.line("counter = 0;"))`;g")
        try cdb.expect("Breakpoint 0 hit")
        try cdb.send("~")
        try cdb.expect("   2  Id: ")
        try cdb.send("~1s")
        try cdb.expect("0:001> ")
        try cdb.send("~*k")
        try cdb.expect("sample!main+")
        try cdb.expect("sample!worker+")
        try cdb.expect("sample!worker+")
        try cdb.send("q")
        #expect(try cdb.finish().status == 0)
    }

    @Test("SIGINT breaks into the running target; qd leaves it running")
    func breakIn() throws {
        let program = try PipedProcess(Debuggee.path, ["wait"], leadsGroup: true)
        let server = try GDBServerProcess()
        let cdb = try server.cdb(["-p", "\(program.id)"])
        try cdb.expect("*** wait with pending attach")
        try cdb.expect("0:000> ")
        try cdb.send(".echo running;g")
        try cdb.expect("running\n")
        cdb.interrupt()
        try cdb.expect("Break instruction exception - code 80000003 (first chance)")
        try cdb.expect("> ")
        try cdb.send("? 1+1")
        try cdb.expect("= 00000000`00000002")
        try cdb.send("qd")
        #expect(try cdb.finish().status == 0)
        #expect(kill(program.id, 0) == 0)
        #expect(try !isTraced(program.id))
    }

    private func isTraced(_ process: Int32) throws -> Bool {
        let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
        return !status.contains("TracerPid:\t0\n")
    }

    @Test("At the end of the input what was attached to runs on")
    func endOfInput() throws {
        let program = try PipedProcess(Debuggee.path, ["wait"])
        let server = try GDBServerProcess()
        let shell = try PipedProcess(
            "/bin/sh",
            [
                "-c",
                "exec '\(Cdb.path)' -premote tcp:server=127.0.0.1,port=\(server.port)"
                    + " -p \(program.id) -c 'bp add' </dev/null",
            ]
        )
        #expect(try shell.finish().status == 0)
        #expect(try !isTraced(program.id))
    }

    @Test("A crash is an access violation with the faulting instruction and address")
    func crash() throws {
        let server = try GDBServerProcess()
        let cdb = try server.cdb(["-g", "-c", ".lastevent;g;q", Debuggee.path, "crash"])
        let (text, status) = try cdb.finish()
        #expect(status == 0)
        #expect(text.contains("): Access violation - code c0000005 (first chance)\n"))
        #expect(text.contains("ds:00000000`00000008=????????"))
        #expect(text.contains("killed by SIGSEGV"))
    }

    @Test("A watchpoint stops behind the store, a condition filters, passes count")
    func conditions() throws {
        let server = try GDBServerProcess()
        let cdb = try server.cdb([Debuggee.path])
        try cdb.send("ba w4 counter;g")
        try cdb.expect("Breakpoint 0 hit")
        try cdb.send("bc 0;bp /w \"dwo(@rbp-14) == 3\" add;g;dv left")
        try cdb.expect("               left = 0n3")
        try cdb.send(".restart")
        try cdb.expect("ld_linux_x86_64_so!_start")
        try cdb.send("bc *;bp add 3;g;dv left")
        try cdb.expect("               left = 0n3")
        try cdb.send("q")
        #expect(try cdb.finish().status == 0)
    }

    @Test("A breakpoint in a library that is not loaded yet waits for it")
    func pendingBreakpoint() throws {
        let server = try GDBServerProcess()
        let cdb = try server.cdb(["-c", "bp libc!usleep;bl;g;k 2;q", Debuggee.path])
        let (text, _) = try cdb.finish()
        #expect(text.contains("adding deferred bp"))
        #expect(text.contains(" 0 eu                      0001 (0001) (libc!usleep)\n"))
        #expect(text.contains("Breakpoint 0 hit\nlibc_so!usleep"))
    }

    @Test("Bad input ends with the right exit code and one clear sentence")
    func badInput() throws {
        let cases: [([String], Int32, String)] = [
            (["-x1"], 1, "unknown option"),
            (["-cimp"], 1, "-premote"),
            (["-premote", "tcp:server=127.0.0.1", "x"], 1, "port"),
            (["-premote", "nonsense", "x"], 1, "nonsense"),
            (["-version"], 0, "cdb version"), (["-?"], 0, "usage: cdb"),
        ]
        for (arguments, code, words) in cases {
            let (text, status) = try Cdb.start(arguments).finish()
            #expect(status == code, "\(arguments)")
            #expect(text.contains(words), "\(arguments): \(text)")
        }
        let server = try GDBServerProcess()
        let (text, status) = try server.cdb(["-p", "999999"]).finish()
        #expect(status == 3)
        #expect(text.contains("Cannot debug pid 999999, Win32 error 0n5\n    \""))
        #expect(text.contains("Unable to initialize target, Win32 error 0n5\n"))
    }

    @Test("A failure to start goes to standard error")
    func startFailure() throws {
        let server = try GDBServerProcess()
        let line =
            "'\(Cdb.path)' -premote tcp:server=127.0.0.1,port=\(server.port) -p 999999 2>/dev/null"
        let (text, status) = try PipedProcess("/bin/sh", ["-c", line]).finish()
        #expect(status == 3)
        #expect(text.contains("pending attach"))
        #expect(!text.contains("Cannot debug"))
    }

    @Test("A server that dies is said to be lost, and the exit code says so")
    func lostServer() throws {
        var server: GDBServerProcess? = try GDBServerProcess()
        let cdb = try #require(try server?.cdb([Debuggee.path, "wait"]))
        try cdb.expect("0:000> ")
        server = nil
        try cdb.send("r")
        let (text, status) = try cdb.finish()
        #expect(status == 3)
        #expect(text.contains("closed the connection") || text.contains("is lost"))
    }

    /// Runs cdb with a cache of its own.
    private func cdb(cache: String, _ arguments: [String]) throws -> (text: String, status: Int32?)
    {
        try PipedProcess("/usr/bin/env", ["XDG_CACHE_HOME=\(cache)", Cdb.path] + arguments).finish()
    }

    @Test(
        "A binary that the client lacks is fetched over the link once, and then found in the cache"
    )
    func fetching() throws {
        // The server lives in a mount name space of its own, in which the program's folder is full.
        let folder = Debuggee.folder + "/elsewhere"
        let cache = Debuggee.folder + "/cache"
        _ = Debuggee.path
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true
        )
        let mount = "mount --bind '\(Debuggee.folder)' '\(folder)'"
        let probe = try PipedProcess("/usr/bin/unshare", ["-m", "sh", "-c", mount]).finish()
        guard probe.status == 0 else {
            print("not run: mounting needs root here (\(probe.text))")
            return
        }
        let server = try PipedProcess(
            "/usr/bin/unshare",
            ["-m", "sh", "-c", mount + " && exec gdbserver --multi 127.0.0.1:0"]
        )
        try server.expect("Listening on port ")
        let port = try server.expect("\n").trimmingCharacters(in: .whitespacesAndNewlines)
        let arguments = [
            "-premote", "tcp:server=127.0.0.1,port=\(port)", "-c", "bp add;g;k 1;lm m sample*;q",
            folder + "/sample",
        ]
        for _ in 0..<2 {
            let (text, status) = try cdb(cache: cache, arguments)
            #expect(status == 0)
            #expect(text.contains("     sample!add+0xa [\(Debuggee.path).c @ "))
            #expect(
                text.contains("(service symbols: DWARF Private Symbols)        \(cache)/dbgsrv/")
            )
        }
        let entries = try FileManager.default.subpathsOfDirectory(atPath: cache)
        #expect(entries.filter { $0.hasSuffix("/sample") }.count == 1)
        #expect(!entries.contains { $0.hasSuffix(".part") })
    }

    @Test("A file that is not what the process runs gives no symbols, fetched or not")
    func replacedFile() throws {
        let folder = Debuggee.folder + "/replaced"
        let cache = Debuggee.folder + "/cache2"
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true
        )
        let program = folder + "/sample"
        try FileManager.default.copyItem(atPath: Debuggee.path, toPath: program)
        let running = try PipedProcess(program, ["wait"])
        try FileManager.default.removeItem(atPath: program)
        try FileManager.default.copyItem(atPath: "/bin/true", toPath: program)
        let server = try GDBServerProcess()
        let (text, status) = try cdb(
            cache: cache,
            [
                "-premote", "tcp:server=127.0.0.1,port=\(server.port)", "-p", "\(running.id)",
                "-pd",
                "-c", "x sample*!main;lm m sample*;q",
            ]
        )
        #expect(status == 0)
        #expect(!text.contains("service symbols"), "a foreign file must not give symbols: \(text)")
        #expect(!text.contains("sample!main"))
    }
}
