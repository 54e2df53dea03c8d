import LinuxSystem
import Testing

/// A cable between two machines that have our programs, for debugging sessions over it.
struct DebuggingLine {
    /// Where dbgsrv runs.
    let lab: any Machine
    /// The port there.
    let labPort: String
    /// Where debuggers run.
    let desk: any Machine
    /// The port there.
    let deskPort: String
    /// The debuggee on the lab machine, and the same file at the desk.
    let worker: (lab: String, desk: String)

    private func connection(_ port: String, _ rate: Int, _ channel: Int) -> String {
        "com:port=\(port),baud=\(rate),channel=\(channel)"
    }

    func deskChannel(_ channel: Int, at rate: Int) -> String { connection(deskPort, rate, channel) }

    /// Starts a server on a channel; `stopServer` ends it.
    func startServer(channel: Int, at rate: Int) throws {
        let name = "server-\(channel)"
        try lab.start(name, "dbgsrv -v -t \(connection(labPort, rate, channel))")
        try lab.wait(for: "grep -q 'listening on' /tmp/rig-\(name).log")
    }

    /// Ends a server, and waits until nobody has either port.
    func stopServers(_ channels: Int...) {
        for channel in channels { lab.stop("server-\(channel)") }
        _ = try? lab.wait(for: "! ls /run/dbgsrv/*.sock", seconds: 20)
    }

    /// Starts the debuggee and gives its process id.
    func startWorker(_ name: String = "worker") throws -> Int {
        try lab.start(name, "\(worker.lab) 3")
        let id = try lab.require("cat /tmp/rig-\(name).pid").split(separator: "\n").first
        return try #require(id.flatMap { Int($0) })
    }

    /// What a short session of cdb shows: attach, break, stack, threads, step, detach.
    func cdb(_ process: Int, channel: Int, at rate: Int, seconds: Int = 120) throws -> String {
        try desk.output(
            "cdb -premote \(deskChannel(channel, at: rate)) -lines -p \(process) "
                + "-c 'bp worker!store;g;k;~;p;bc *;qd' 2>&1",
            seconds: seconds
        )
    }

    static func expectCdbSession(_ output: String) {
        #expect(output.contains("Breakpoint 0 hit"), "\(output)")
        #expect(output.contains("worker!measure+"), "\(output)")
        #expect(output.contains("worker.c @ "), "\(output)")
    }

    /// The same with gdb.
    func gdb(_ process: Int, channel: Int, at rate: Int, seconds: Int = 120) throws -> String {
        let commands = [
            "set sysroot /", "set remotetimeout 30",
            "target extended-remote | dbgbridge -c \(deskChannel(channel, at: rate)) -s stdio",
            "attach \(process)", "break store", "continue", "bt", "info threads", "delete", "next",
            "detach",
        ].map { "-ex '\($0)'" }.joined(separator: " ")
        return try desk.output(
            "gdb -nx -q -batch \(commands) \(worker.desk) 2>&1 </dev/null",
            seconds: seconds
        )
    }

    static func expectGdbSession(_ output: String) {
        #expect(output.contains("hit Breakpoint 1, store (sample="), "\(output)")
        #expect(output.contains("in measure (sensor="), "\(output)")
        #expect(output.contains("detached"), "\(output)")
    }
}
