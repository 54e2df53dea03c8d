import Foundation
import Glibc
import LinuxSystem
import Testing

/// Who may use a pipe, and what somebody else may have put where it should be.
@Suite("Access to named pipes")
struct PipeAccessTests {
    /// Whether a test can become somebody else; says so when it cannot.
    private static func isRoot() -> Bool {
        if geteuid() != 0 {
            printError("PipeAccessTests: skipped: only root can be another user\n")
        }
        return geteuid() == 0
    }

    /// Runs one of our programs as the user nobody, with this group.
    private func asNobody(
        _ lab: Lab,
        group: String,
        _ program: String,
        _ arguments: [String],
        environment: [String: String] = [:]
    ) throws -> (status: Int32, output: String, errors: String) {
        chmod(lab.folder, 0o755)
        let become = ["--reuid=nobody", "--regid=nogroup", group]
        return try ProgramTests.run(
            "/usr/bin/setpriv",
            become + [Lab.program(program)] + arguments,
            environment: environment
        )
    }

    private func shared(_ lab: Lab) -> [String: String] {
        lab.environment.merging(["DBGSRV_SHARED_PIPES_DIR": "\(lab.folder)/shared"]) { $1 }
    }

    private func startShared(_ lab: Lab, _ transport: String) throws -> RunningProgram {
        let server = try RunningProgram(
            Lab.program("dbgsrv"),
            ["-v", "-t", transport],
            environment: shared(lab)
        )
        try server.wait(for: "listening on", in: \.errors)
        return server
    }

    @Test("group=: members get in, others are told whose the pipe is")
    func groups() throws {
        guard Self.isRoot() else { return }
        let lab = try Lab()
        let debuggee = try Debuggee(in: lab)
        let server = try startShared(lab, "npipe:pipe=rabbit,group=games")
        let path = "\(lab.folder)/shared/rabbit"
        let status = try Files.status(ofPath: path)
        #expect(status.mode & 0o777 == 0o660 && status.groupID == groupID(named: "games"))
        let arguments = [
            "-premote", "npipe:server=localhost,pipe=rabbit", "-p", "\(debuggee.processID)", "-c",
            "r;qd",
        ]
        let own = try ProgramTests.run(Lab.program("cdb"), arguments, environment: shared(lab))
        #expect(own.output.contains("rip="), "\(own)")
        var environment = shared(lab)
        environment["DBGSRV_RUNTIME_DIR"] = "\(lab.folder)/nobody's"
        mkdir("\(lab.folder)/nobody's", 0o700)
        chown("\(lab.folder)/nobody's", 65_534, 65_534)
        chmod(lab.folder, 0o755)
        for groups in [
            ["--regid=nogroup", "--groups=games"], ["--regid=games", "--clear-groups"],
        ] {
            let member = try ProgramTests.run(
                "/usr/bin/setpriv",
                ["--reuid=nobody"] + groups + [Lab.program("cdb")] + arguments,
                environment: environment
            )
            #expect(member.output.contains("rip="), "\(member)")
        }
        let stranger = try asNobody(
            lab,
            group: "--clear-groups",
            "cdb",
            arguments,
            environment: environment
        )
        #expect(stranger.status == 2, "\(stranger)")
        #expect(stranger.errors.contains("is for the members of the group games"), "\(stranger)")
        // Somebody has opened the socket to everybody: the server looks who it is.
        chmod(path, 0o666)
        let insistent = try asNobody(
            lab,
            group: "--clear-groups",
            "cdb",
            arguments,
            environment: environment
        )
        #expect(insistent.errors.contains("nobody is none of them"), "\(insistent)")
        #expect(server.isRunning)
        let unknown = try lab.run("dbgsrv", ["-t", "npipe:pipe=x,group=no-such-group"])
        #expect(unknown.status == 2 && unknown.errors.contains("no such group"), "\(unknown)")
        try debuggee.expectRunsFree()
    }

    @Test("without group= nobody else gets to the pipe")
    func ownPipe() throws {
        guard Self.isRoot() else { return }
        let lab = try Lab()
        _ = try lab.startServer("npipe:pipe=rabbit")
        let arguments = ["-premote", "npipe:server=localhost,pipe=rabbit", "-p", "1"]
        let stranger = try asNobody(
            lab,
            group: "--clear-groups",
            "cdb",
            arguments,
            environment: lab.environment
        )
        #expect(stranger.status == 2, "\(stranger)")
        #expect(stranger.errors.contains("belongs to the user root"), "\(stranger)")
    }

    @Test("a symlink, another's folder and an open one in the runtime folder's place are refused")
    func plantedFolders() throws {
        let lab = try Lab()
        let place = "\(lab.folder)/planted"
        let real = "\(lab.folder)/real"
        mkdir(real, 0o700)
        func refusal() throws -> String {
            let result = try ProgramTests.run(
                Lab.program("dbgsrv"),
                ["-t", "npipe:pipe=rabbit"],
                environment: ["DBGSRV_RUNTIME_DIR": place]
            )
            #expect(result.status == 2, "\(result)")
            return result.errors
        }
        symlink(real, place)
        #expect(try refusal().contains("planted is not a folder"))
        unlink(place)
        mkdir(place, 0o700)
        chmod(place, 0o777)
        #expect(try refusal().contains("can be written by others"))
        chmod(place, 0o700)
        symlink(real, "\(place)/pipes")
        #expect(try refusal().contains("pipes is not a folder"))
        #expect(folderEntries(real).isEmpty)
        unlink("\(place)/pipes")
        guard Self.isRoot() else { return }
        chown(place, 65_534, 65_534)
        #expect(try refusal().contains("belongs to the user nobody"))
    }

    @Test("a symlink or a file in a pipe's own place is left alone and said")
    func plantedName() throws {
        let lab = try Lab()
        let precious = "\(lab.folder)/precious"
        try "data".write(toFile: precious, atomically: true, encoding: .utf8)
        _ = try lab.startServer("npipe:pipe=first")
        for plant in ["link", "file"] {
            let path = "\(lab.folder)/run/pipes/\(plant)"
            if plant == "link" { symlink(precious, path) } else { link(precious, path) }
            let result = try lab.run("dbgsrv", ["-t", "npipe:pipe=\(plant)"])
            #expect(result.status == 2, "\(result)")
            #expect(try String(contentsOfFile: precious, encoding: .utf8) == "data")
        }
    }

    @Test("a client takes no shared pipe from a folder in which everybody may put one")
    func plantedShare() throws {
        let lab = try Lab()
        let folder = "\(lab.folder)/shared"
        mkdir(folder, 0o777)
        chmod(folder, 0o777)
        let trap = try lab.startOther("/usr/bin/socat", ["UNIX-LISTEN:\(folder)/rabbit", "PIPE"])
        while !FileManager.default.fileExists(atPath: "\(folder)/rabbit") {
            try #require(trap.isRunning)
        }
        let result = try ProgramTests.run(
            Lab.program("cdb"),
            ["-premote", "npipe:server=localhost,pipe=rabbit", "-p", "1"],
            environment: shared(lab)
        )
        #expect(result.status == 2, "\(result)")
        #expect(result.errors.contains("anybody can have put it into"), "\(result)")
    }
}
