import Foundation
import LinuxSystem
import Testing

@Suite("Debug files from a server")
struct DebugInfoServerTests {
    static let library = "/usr/lib/x86_64-linux-gnu/libdebuginfod.so.1"

    private static var isPossible: Bool {
        Tools.path(of: "python3") != nil && FileManager.default.fileExists(atPath: library)
    }

    private func run(_ command: [String]) throws -> String {
        let process = try PipedProcess("/usr/bin/env", command)
        let (text, status) = try process.finish()
        guard status == 0 else { throw TestFailure("\(command): \(text)") }
        return text
    }

    /// A stripped program, and its debug file laid out as such servers give them.
    private func prepare(_ folder: String) throws -> String {
        let program = folder + "/program"
        let source =
            "volatile int counter = 7; int main(void) { int local = counter; return local; }\n"
        try source.write(toFile: program + ".c", atomically: true, encoding: .utf8)
        _ = try run(["gcc", "-g", "-Wl,--build-id", "-o", program, program + ".c"])
        let notes = try run(["readelf", "-n", program])
        let mark = try #require(notes.range(of: "Build ID: "))
        let buildID = String(notes[mark.upperBound...].prefix(while: \.isHexDigit))
        let place = "\(folder)/files/buildid/\(buildID)"
        _ = try run(["mkdir", "-p", place])
        _ = try run(["objcopy", "--only-keep-debug", program, place + "/debuginfo"])
        _ = try run(["strip", program])
        return program
    }

    @Test(
        "A stripped program's debug file comes from the server that DEBUGINFOD_URLS names",
        .enabled(if: Self.isPossible, "python3 or libdebuginfod is not here")
    )
    func fetched() throws {
        var template = Array("/tmp/debuginfod-XXXXXX".utf8CString)
        let folder = String(cString: try #require(mkdtemp(&template)))
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let program = try prepare(folder)
        let server = try PipedProcess(
            "/usr/bin/env",
            [
                "-C", folder + "/files", "python3", "-u", "-m", "http.server", "--bind",
                "127.0.0.1",
                "0",
            ]
        )
        try server.expect("127.0.0.1 port ")
        let port = String(try server.expect(" ").dropLast())
        let stub = try GDBServerProcess()
        let commands = "bp main;g;dv;?? counter;q"
        func debug(_ urls: String) throws -> String {
            let cdb = try PipedProcess(
                "/usr/bin/env",
                [
                    "DEBUGINFOD_URLS=\(urls)", "DEBUGINFOD_CACHE_PATH=\(folder)/cache", Cdb.path,
                    "-premote", "tcp:server=127.0.0.1,port=\(stub.port)", "-c", commands, program,
                ]
            )
            return try cdb.finish().text
        }
        let with = try debug("http://127.0.0.1:\(port)/")
        #expect(with.contains("local = "))
        #expect(with.contains("int 0n7"))
    }

    @Test("Nobody is asked where DEBUGINFOD_URLS names no server")
    func off() throws {
        var template = Array("/tmp/debuginfod-XXXXXX".utf8CString)
        let folder = String(cString: try #require(mkdtemp(&template)))
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let program = try prepare(folder)
        let stub = try GDBServerProcess()
        let cdb = try PipedProcess(
            "/usr/bin/env",
            [
                "-u", "DEBUGINFOD_URLS", Cdb.path, "-premote",
                "tcp:server=127.0.0.1,port=\(stub.port)", "-c", ".sympath;lm;.symfix;q", program,
            ]
        )
        let text = try cdb.finish().text
        #expect(!text.contains("srv*"))
        #expect(text.contains("DEBUGINFOD_URLS names no server"))
    }
}
