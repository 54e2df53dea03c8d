import Foundation
import Glibc
import LinuxSystem
import Testing

/// A debugger that shares its session, on a real debuggee behind a real process server.
final class SharedLab {
    let lab: Lab
    let server: RunningProgram
    let debuggee: String

    /// Starts `cdb -server`.
    ///
    /// - Parameters:
    ///   - transport: its first server's connection string.
    ///   - processServer: the process server's two connection strings, for it and for its client.
    init(
        _ transport: String = "tcp:port=0",
        options: [String] = [],
        lab given: Lab? = nil,
        processServer: (server: String, client: String) = (
            "npipe:pipe=target", "npipe:server=localhost,pipe=target"
        )
    ) throws {
        let lab = try given ?? Lab()
        self.lab = lab
        debuggee = try lab.compile("Demo/worker.c", as: "worker")
        _ = try lab.startServer(processServer.server)
        server = try lab.start(
            "cdb",
            ["-server", transport] + options
                + ["-premote", processServer.client, debuggee, "2", "\(lab.folder)/progress"]
        )
        if !options.contains("-noio") { try server.wait(for: "0:000> ") }
    }

    private var lastPort: Int?
    private var fences = 0

    /// The port of the last TCP server that was started.
    func port() throws -> Int {
        notePort()
        return try #require(lastPort, "\(server.output)")
    }

    private func notePort() {
        let matches = server.output.matches(of: /: cdb -remote (?:tcp|ssl):.*Port=(\d+)/)
        if let last = matches.last { lastPort = Int(last.output.1) }
    }

    /// The process that looks after the participants: the debugger's one child.
    func hub() throws -> Int32 {
        let path = "/proc/\(server.processID)/task/\(server.processID)/children"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        return try #require(text.split(separator: " ").first.flatMap { Int32($0) }, "\(text)")
    }

    /// Types at the server's console and waits for a text behind that.
    func type(_ line: String, until text: String) throws {
        notePort()
        server.forgetOutput()
        server.type(line + "\n")
        guard text == "0:000> " else { return _ = try server.wait(for: text) }
        // A prompt may be one that was still to come from before.
        fences += 1
        server.type(".echo fence-\(fences)\n")
        try server.wait(for: "fence-\(fences)\n0:000> ")
    }

    /// A client that has joined through TCP and stands at its first prompt.
    func join(_ options: [String] = []) throws -> RunningProgram {
        try join(through: "tcp:server=localhost,port=\(try port())", options)
    }

    func join(through transport: String, _ options: [String] = []) throws -> RunningProgram {
        let client = try lab.start("cdb", ["-remote", transport] + options)
        // The history has prompts too.
        try client.wait("its first prompt") {
            $0.output.contains(" connected at ") && $0.output.hasSuffix("> ")
        }
        return client
    }
}

/// Waits until somebody listens at a path.
func waitForSocket(_ path: String) throws {
    let deadline = monotonicNanoseconds() + UInt64(RunningProgram.patienceSeconds) * 1_000_000_000
    while (try? UnixSocket.connect(path: path)) == nil {
        try #require(monotonicNanoseconds() < deadline, "nobody listens at \(path)")
        var nothing: [PollRequest] = []
        try pollDescriptors(&nothing, timeoutMilliseconds: 10)
    }
}

extension RunningProgram {
    /// Types a line and waits for a text that comes behind it.
    @discardableResult
    func type(_ line: String, until text: String) throws -> String {
        forgetOutput()
        type(line + "\n")
        return try wait(for: text)
    }
}
