import Foundation
import Glibc
import LinuxSystem
import Testing

@testable import dbgsrv

@Suite("Whose rights a server has")
struct RightsTests {
    /// A copy of the program where everybody reaches it, and a runtime folder of its user.
    private func serve(
        _ lab: Lab,
        as user: [String],
        _ options: [String] = []
    ) throws -> RunningProgram {
        chmod(lab.folder, 0o755)
        let copy = "\(lab.folder)/dbgsrv"
        if !FileManager.default.fileExists(atPath: copy) {
            try FileManager.default.copyItem(atPath: Lab.program("dbgsrv"), toPath: copy)
        }
        let server = try lab.startOther(
            "/usr/bin/setpriv",
            user + [copy, "-v", "-t", "tcp:port=0"] + options
        )
        try server.wait(for: "listening on", in: \.errors)
        return server
    }

    private static let nobody = ["--reuid", "65534", "--regid", "65534", "--clear-groups"]

    private func transport(_ server: RunningProgram) throws -> String {
        let match = try #require(server.errors.firstMatch(of: /tcp:Port=(\d+)/))
        return "tcp:server=127.0.0.1,port=\(match.output.1)"
    }

    private var isRoot: Bool {
        if geteuid() != 0 { print("RightsTests: changing users needs root") }
        return geteuid() == 0
    }

    @Test("an ordinary user's server reaches that user's processes, and says whose another one is")
    func ordinaryUser() throws {
        guard isRoot else { return }
        let lab = try Lab()
        let server = try serve(lab, as: Self.nobody)
        let transport = try transport(server)
        let own = try lab.startOther("/usr/bin/setpriv", Self.nobody + ["sleep", "300"])
        try awaitProgram(own.processID, "sleep")
        let good = try lab.run(
            "cdb",
            ["-premote", transport, "-p", "\(own.processID)", "-c", "qd"]
        )
        #expect(good.status == 0, "\(good)")
        let foreign = try lab.startOther("/usr/bin/sleep", ["300"])
        let bad = try lab.run("cdb", ["-premote", transport, "-p", "\(foreign.processID)"])
        #expect(bad.status == 3)
        #expect(
            bad.errors.contains("of user root: the server runs as nobody: run it as root"),
            "\(bad)"
        )
        try server.wait(for: "audit: attach process \(foreign.processID)", in: \.errors)
    }

    private func awaitProgram(_ process: Int32, _ name: String) throws {
        let deadline = Date(timeIntervalSinceNow: RunningProgram.patienceSeconds)
        while ProcFS.name(process: process, thread: process) != name {
            try #require(Date() < deadline)
        }
    }

    @Test("a process that is not dumpable, and a thread of the kernel, are named as such")
    func hopeless() throws {
        guard isRoot else { return }
        let lab = try Lab()
        let transport = try transport(try serve(lab, as: Self.nobody))
        let program = "\(lab.folder)/secret"
        let source = """
            #include <sys/prctl.h>
            #include <unistd.h>
            int main(void) { prctl(PR_SET_DUMPABLE, 0); write(1, "ready", 5); sleep(300); return 0; }
            """
        try source.write(toFile: program + ".c", atomically: true, encoding: .utf8)
        let made = try run("/usr/bin/gcc", ["-o", program, program + ".c"])
        try #require(made.status == 0, "\(made)")
        let secret = try lab.startOther("/usr/bin/setpriv", Self.nobody + [program])
        try secret.wait(for: "ready")
        let result = try lab.run("cdb", ["-premote", transport, "-p", "\(secret.processID)"])
        #expect(
            result.status == 3 && result.errors.contains("it is protected (not dumpable"),
            "\(result)"
        )
        guard ProcFS.statistics(of: 2)?.isKernelThread == true else {
            print("RightsTests.hopeless: no thread of the kernel is visible here")
            return
        }
        let kernel = try lab.run("cdb", ["-premote", transport, "-p", "2"])
        #expect(kernel.errors.contains("is a thread of the kernel"), "\(kernel)")
    }

    @Test("CAP_SYS_PTRACE, ambient or of the file, reaches everybody's; programs do not inherit it")
    func capability() throws {
        guard isRoot else { return }
        let lab = try Lab()
        let foreign = try lab.startOther("/usr/bin/sleep", ["300"])
        let ambient =
            Self.nobody + ["--inh-caps", "+sys_ptrace", "--ambient-caps", "+sys_ptrace"]
        let server = try serve(lab, as: ambient, ["-c", "sleep", "300"])
        let started = try StartedProgram(of: server)
        defer { started.end() }
        #expect(UInt64(started.status("CapEff"), radix: 16) == 0)
        #expect(UInt64(started.status("CapAmb"), radix: 16) == 0)
        let process = "\(foreign.processID)"
        let byAmbient = try lab.run(
            "cdb",
            [
                "-premote", try transport(server), "-p", process, "-c",
                "ed @rsp-1000 12345678;dd @rsp-1000 L1;lm;qd",
            ]
        )
        #expect(byAmbient.status == 0 && byAmbient.output.contains("12345678"), "\(byAmbient)")
        #expect(byAmbient.output.contains("libc"), "the modules are found by the auxiliary vector")

        let setcap = try run("/usr/sbin/setcap", ["cap_sys_ptrace+ep", "\(lab.folder)/dbgsrv"])
        guard setcap.status == 0 else {
            print("RightsTests.capability: no file capabilities here: \(setcap.errors)")
            return
        }
        let filed = try serve(lab, as: Self.nobody)
        let byFile = try lab.run(
            "cdb",
            [
                "-premote", try transport(filed), "-p", process, "-c",
                "ed @rsp-1000 12345678;dd @rsp-1000 L1;lm;qd",
            ]
        )
        #expect(byFile.status == 0, "\(byFile)")
    }

    @Test("a setuid or setgid start is refused in a sentence")
    func setuid() throws {
        let same = ProgramIdentity(realUser: 5, effectiveUser: 5, realGroup: 6, effectiveGroup: 6)
        #expect(throws: Never.self) { try refuseBorrowedRights(same) }
        guard isRoot else { return }
        let lab = try Lab()
        chmod(lab.folder, 0o755)
        for mode in [mode_t(0o4755), mode_t(0o2755)] {
            let copy = "\(lab.folder)/dbgsrv-\(mode)"
            try FileManager.default.copyItem(atPath: Lab.program("dbgsrv"), toPath: copy)
            chmod(copy, mode)
            let result = try run(
                "/usr/bin/setpriv",
                Self.nobody + [copy, "-t", "tcp:port=0"],
                environment: lab.environment
            )
            #expect(result.status == 1, "\(result)")
            #expect(result.errors.contains("it does not run setuid or setgid"), "\(result)")
        }
    }
}
