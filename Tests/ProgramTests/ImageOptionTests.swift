import Foundation
import Glibc
import Testing

@testable import dbgsrv

@Suite("Image options: a debugger in an executable's place")
struct ImageOptionTests {
    private func parse(_ text: String) throws -> ImageOptions {
        try ImageOptions(text, path: "F")
    }

    @Test("a file is read, and what is wrong with it is said with its line")
    func file() throws {
        let options = try parse(
            "# a comment\n\n  debugger = dbgsrv -t npipe:pipe=a%x -sifeo 'a b' -c\n"
        )
        #expect(options.debugger.map { String(decoding: $0, as: UTF8.self) }[4] == "a b")
        for (text, words) in [
            ("debuger = x", "F line 1: there is no option debuger; did you mean debugger?"),
            ("\nstack = 1", "F line 2: there is no option stack; there is only debugger"),
            ("debugger", "F line 1: it is no 'name = value'"),
            ("debugger = 'x", "F line 1: a quote or a backslash has no partner"),
            ("debugger =  ", "F line 1: debugger names no program"),
        ] {
            let error = #expect(throws: ImageOptionsError.self) { try parse(text) }
            #expect(error?.description == words)
        }
    }

    @Test("what is started: the debugger with the command line behind, or the image itself")
    func plans() throws {
        let line = ["/lab/worker", "4"].map { Array($0.utf8) }
        func plan(_ suspended: String?, _ startedFor: String?) throws -> CreationPlan {
            try CreationPlan(line, suspended: suspended, startedFor: startedFor) { image in
                image == "worker" ? try? ImageOptions("debugger = d -c", path: "F") : nil
            }
        }
        let hooked = try plan(nil, nil)
        #expect(
            hooked.words.map { String(decoding: $0, as: UTF8.self) } == [
                "d", "-c", "/lab/worker", "4",
            ]
        )
        #expect(hooked.debuggedImage == "worker")
        #expect(try plan("other", nil) == hooked)
        #expect(try plan("worker", "worker").words == line)
        #expect(try plan("/any/where/worker", nil).words == line)
        let error = #expect(throws: ImageOptionsError.self) { try plan(nil, "worker") }
        #expect(error?.description.contains("put -sifeo worker before -c there") == true)
    }

    /// A lab in which `worker` has a debugger.
    private func hooked(_ debugger: String) throws -> (lab: Lab, folder: String, worker: String) {
        let lab = try Lab()
        let folder = "\(lab.folder)/.config/dbgsrv/image-options.d"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try "debugger = \(debugger)\n".write(
            toFile: "\(folder)/worker",
            atomically: true,
            encoding: .utf8
        )
        let worker = "\(lab.folder)/worker"
        try "#!/bin/sh\necho \"worker $# $1\"; exec sleep 300\n".write(
            toFile: worker,
            atomically: true,
            encoding: .utf8
        )
        chmod(worker, 0o755)
        return (lab, folder, worker)
    }

    @Test(
        "the launcher starts dbgsrv in the image's place, and -sifeo keeps it from starting itself"
    )
    func launcher() throws {
        let server = Lab.program("dbgsrv")
        let (lab, _, worker) = try hooked("\(server) -v -t npipe:pipe=box -sifeo worker -cs")
        let program = try lab.start("dbgsrv", ["--image-options", worker, "a b", ""])
        let started = try StartedProgram(of: program)
        defer { started.end() }
        #expect(started.status("State").hasPrefix("T"))
        kill(started.processID, SIGCONT)
        try program.wait(for: "worker 2 a b\n")
        // The hook is suspended for this one creation: the program does not inherit anything of it.
        let environment = try String(
            contentsOfFile: "/proc/\(started.processID)/environ",
            encoding: .utf8
        )
        #expect(!environment.contains("DBGSRV_IMAGE"))
    }

    @Test("without -sifeo the recursion is named, and nothing is served or started")
    func recursion() throws {
        let server = Lab.program("dbgsrv")
        let (lab, _, worker) = try hooked("\(server) -t npipe:pipe=box -c")
        let result = try lab.run("dbgsrv", ["--image-options", worker])
        #expect(result.status == 2)
        #expect(result.errors.contains("put -sifeo worker before -c there"), "\(result)")
        #expect(!result.output.contains("worker"))
    }

    @Test("-c asks for image options too; an image without any is started as it is")
    func creation() throws {
        let (lab, _, worker) = try hooked("/usr/bin/printf '(%s)'")
        let server = try lab.start("dbgsrv", ["-v", "-t", "npipe:pipe=box", "-c", worker, "x y"])
        try server.wait(for: "(\(worker))(x y)")
        let plain = try lab.run("dbgsrv", ["--image-options", "/usr/bin/printf", "[%s]", "a\\b c"])
        #expect(plain.status == 0 && plain.output == "[a\\b c]", "\(plain)")
        let missing = try lab.run("dbgsrv", ["--image-options", "no-such-program"])
        #expect(missing.status == 127 && missing.errors.contains("no such program"), "\(missing)")
    }

    @Test("options that others could have written are refused")
    func foreign() throws {
        let (lab, folder, worker) = try hooked("/usr/bin/printf hooked")
        chmod("\(folder)/worker", 0o666)
        let loose = try lab.run("dbgsrv", ["--image-options", worker])
        #expect(loose.status == 2 && loose.errors.contains("can be written by others"), "\(loose)")
        guard geteuid() == 0 else {
            print("ImageOptionTests.foreign: a foreign owner needs root")
            return
        }
        chmod("\(folder)/worker", 0o644)
        chown("\(folder)/worker", 65_534, 65_534)
        let foreign = try lab.run("dbgsrv", ["--image-options", worker])
        #expect(foreign.status == 2 && foreign.errors.contains("belongs to user"), "\(foreign)")
    }
}
