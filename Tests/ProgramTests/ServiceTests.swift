import Foundation
import Glibc
import LinuxSystem
import Testing

@Suite("dbgsrv under a service manager")
struct ServiceTests {
    /// Starts dbgsrv with descriptors from 3 on, as systemd does.
    ///
    /// LISTEN_PID is the process that reads it, so a shell fills it in and becomes dbgsrv.
    private func start(
        _ lab: Lab,
        _ transport: String,
        sockets: [OwnedDescriptor],
        variables: String = "LISTEN_PID=$$"
    ) throws -> (process: Int32, errors: OwnedDescriptor) {
        let null = try openFile("/dev/null", flags: O_RDWR)
        let errors = try ProgramLauncher.makePipe()
        let settings = lab.environment.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
        let script =
            "\(settings) \(variables) LISTEN_FDS=\(sockets.count)"
            + " exec '\(Lab.program("dbgsrv"))' -v -t '\(transport)'"
        let process = try ProgramLauncher.start(
            "/bin/sh",
            arguments: ["-c", script],
            descriptors: [null, null, errors.write] + sockets,
            newSession: false
        )
        return (process, errors.read)
    }

    /// Reads until the words have come, or the end.
    private func text(_ pipe: OwnedDescriptor, until words: String?) throws -> String {
        var text = ""
        while words.map({ !text.contains($0) }) ?? true {
            var requests = [PollRequest(pipe.number)]
            guard try pollDescriptors(&requests, timeoutMilliseconds: 60_000) else { break }
            guard let bytes = try pipe.read(maximum: 4096), !bytes.isEmpty else { break }
            text += String(decoding: bytes, as: UTF8.self)
        }
        return text
    }

    private func tcpSocket() throws -> (OwnedDescriptor, Int) {
        try SocketAddress.any(port: 0, isIPv6: true).listen(onlyIPv6: false, backlog: 8)
    }

    @Test("a TCP socket is taken over: who connected before the server started is served")
    func tcp() throws {
        let lab = try Lab()
        let debuggee = try Debuggee(in: lab)
        let (socket, port) = try tcpSocket()
        // The client is there first, as with socket activation.
        let cdb = try lab.start(
            "cdb",
            [
                "-premote", "tcp:server=127.0.0.1,port=\(port)", "-p", "\(debuggee.processID)",
                "-c",
                "bp worker!store;g;k;qd",
            ]
        )
        let server = try start(lab, "tcp:port=0", sockets: [socket])
        let said = try text(server.errors, until: "listening on")
        #expect(said.contains("listening on tcp:Port=\(port)\n"), "\(said)")
        #expect(try cdb.waitForExit() == 0)
        #expect(cdb.output.contains("Breakpoint 0 hit"), "\(cdb.output)")
        kill(server.process, SIGTERM)
        #expect(ProgramLauncher.waitForEnd(of: server.process) == 0)
        // The socket is the manager's: it still takes connections.
        let address = try #require(
            try SocketAddress.resolve(host: "127.0.0.1", port: port, onlyIPv6: false).first
        )
        _ = try address.connect(timeoutMilliseconds: 5000)
    }

    @Test("a pipe's socket is taken over, and its name stays when the server ends")
    func pipe() throws {
        let lab = try Lab()
        for folder in ["run", "run/pipes"] { mkdir("\(lab.folder)/\(folder)", 0o700) }
        let path = "\(lab.folder)/run/pipes/rabbit"
        let socket = try UnixSocket.listen(path: path, backlog: 8)
        let debuggee = try Debuggee(in: lab)
        let server = try start(lab, "npipe:pipe=rabbit", sockets: [socket])
        _ = try text(server.errors, until: "listening on npipe:Pipe=rabbit")
        let cdb = try lab.run(
            "cdb",
            [
                "-premote", "npipe:server=localhost,pipe=rabbit", "-p", "\(debuggee.processID)",
                "-c",
                "k;qd",
            ]
        )
        #expect(cdb.status == 0, "\(cdb)")
        kill(server.process, SIGTERM)
        #expect(ProgramLauncher.waitForEnd(of: server.process) == 0)
        #expect(Files.exists(path))
    }

    @Test(
        "a socket that does not fit the transport is one clear sentence",
        arguments: [
            ("tcp:port=1", 1, "but the transport is for port 1"),
            ("npipe:pipe=rabbit", 1, "but the transport is for /"),
            ("com:port=com2,baud=9600,channel=1", 1, "but the transport is for com"),
            ("tcp:port=0", 2, "passed 2 sockets, but a server has one transport"),
        ]
    )
    func mismatch(transport: String, count: Int, words: String) throws {
        let lab = try Lab()
        let sockets = try (0..<count).map { _ in try tcpSocket().0 }
        let server = try start(lab, transport, sockets: sockets)
        let said = try text(server.errors, until: nil)
        #expect(ProgramLauncher.waitForEnd(of: server.process) == 2)
        #expect(said.contains("the service manager passed") && said.contains(words), "\(said)")
        #expect(said.split(separator: "\n").count == 1, "\(said)")
    }

    @Test("what is no listening stream socket, or is for another process, is not taken for one")
    func strangeDescriptors() throws {
        let lab = try Lab()
        let file = try openFile("/dev/null", flags: O_RDWR)
        let server = try start(lab, "tcp:port=0", sockets: [file])
        let said = try text(server.errors, until: nil)
        #expect(ProgramLauncher.waitForEnd(of: server.process) == 2)
        #expect(said.contains("a socket of another kind (Accept=no and ListenStream="), "\(said)")
        let others = try start(
            lab,
            "npipe:pipe=own",
            sockets: [try tcpSocket().0],
            variables: "LISTEN_PID=1"
        )
        _ = try text(others.errors, until: "listening on npipe:Pipe=own")
        kill(others.process, SIGTERM)
        #expect(ProgramLauncher.waitForEnd(of: others.process) == 0)
    }

    @Test("systemd's own launcher starts it with the first connection")
    func activate() throws {
        let launcher = "/usr/bin/systemd-socket-activate"
        guard Files.mayRun(launcher) else {
            print("not shown: \(launcher) is not installed")
            return
        }
        let lab = try Lab()
        let debuggee = try Debuggee(in: lab)
        let port = try tcpSocket().1
        let variables = lab.environment.flatMap { ["-E", "\($0.key)=\($0.value)"] }
        let activator = try lab.startOther(
            launcher,
            variables
                + ["-l", "127.0.0.1:\(port)", Lab.program("dbgsrv"), "-v", "-t", "tcp:port=0"]
        )
        try activator.wait(for: "Listening on", in: \.errors)
        let cdb = try lab.run(
            "cdb",
            [
                "-premote", "tcp:server=127.0.0.1,port=\(port)", "-p", "\(debuggee.processID)",
                "-c",
                "k;qd",
            ]
        )
        #expect(cdb.status == 0, "\(cdb)")
        #expect(try activator.wait(for: "listening on tcp:Port=\(port)", in: \.errors) != "")
    }

    @Test(
        "the manager hears when it is ready and when it ends, by a path or a name in no folder",
        arguments: [
            "/", "@",
        ]
    )
    func notifications(start: String) throws {
        let lab = try Lab()
        let name = "\(lab.folder)/notify"
        let socket = try Datagrams(start == "/" ? name : "@" + name)
        let server = try lab.startOther(
            "/usr/bin/env",
            [
                "NOTIFY_SOCKET=\(start == "/" ? name : "@" + name)", Lab.program("dbgsrv"), "-v",
                "-t",
                "npipe:pipe=rabbit",
            ]
        )
        #expect(try socket.next() == "READY=1\nSTATUS=listening on npipe:Pipe=rabbit")
        // It listens by then.
        let client = try UnixSocket.connect(path: "\(lab.folder)/run/pipes/rabbit")
        try server.wait(for: "session process", in: \.errors)
        let match = try #require(server.errors.firstMatch(of: /session process (\d+)/))
        let environment = ProcFS.text(of: "/proc/\(match.output.1)/environ") ?? ""
        #expect(!environment.contains("NOTIFY_SOCKET"))
        server.signal(SIGTERM)
        #expect(try socket.next() == "STOPPING=1")
        #expect(try server.waitForExit() == 0)
        withExtendedLifetime(client) {}
    }

    @Test("a server goes on with its own program when an upgrade has put another in its place")
    func upgrade() throws {
        let lab = try Lab()
        let debuggee = try Debuggee(in: lab)
        let path = "\(lab.folder)/dbgsrv"
        try FileManager.default.copyItem(atPath: Lab.program("dbgsrv"), toPath: path)
        let server = try lab.startOther(path, ["-v", "-t", "npipe:pipe=rabbit"])
        try server.wait(for: "listening on", in: \.errors)
        try FileManager.default.copyItem(atPath: "/bin/false", toPath: path + ".new")
        rename(path + ".new", path)
        let cdb = try lab.run(
            "cdb",
            [
                "-premote", "npipe:server=localhost,pipe=rabbit", "-p", "\(debuggee.processID)",
                "-c",
                "k;qd",
            ]
        )
        #expect(cdb.status == 0 && cdb.output.contains("worker!"), "\(cdb)")
    }

    @Test(
        "a notification socket that is not there is no reason not to serve",
        arguments: [
            "/nowhere/notify", "relative", "/", String(repeating: "/x", count: 200),
        ]
    )
    func deafManager(path: String) throws {
        let lab = try Lab()
        let server = try lab.startOther(
            "/usr/bin/env",
            ["NOTIFY_SOCKET=\(path)", Lab.program("dbgsrv"), "-v", "-t", "npipe:pipe=rabbit"]
        )
        try server.wait(for: "listening on", in: \.errors)
        server.signal(SIGTERM)
        #expect(try server.waitForExit() == 0)
    }
}

/// A Unix datagram socket, as a service manager has one.
private final class Datagrams {
    private let socket: OwnedDescriptor

    init(_ name: String) throws {
        let type = Int32(SOCK_DGRAM.rawValue)
        socket = OwnedDescriptor(try systemCall("socket") { Glibc.socket(AF_UNIX, type, 0) })
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(name.utf8)
        if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let number = socket.number
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        try systemCall("bind") {
            withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(number, $0, length)
                }
            }
        }
    }

    /// The next message; nil when none comes.
    func next() throws -> String? {
        var requests = [PollRequest(socket.number)]
        guard try pollDescriptors(&requests, timeoutMilliseconds: 60_000) else { return nil }
        return try socket.read(maximum: 4096).map { String(decoding: $0, as: UTF8.self) }
    }
}

@Suite("Units for systemd")
struct UnitTests {
    private var units: URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("packaging/systemd")
    }

    /// The units as they are installed, the template with an instance.
    private func install(_ lab: Lab) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: units.path).sorted().map { name in
            let text = try String(contentsOf: units.appendingPathComponent(name), encoding: .utf8)
            let path = "\(lab.folder)/" + name.replacing("@.", with: "@com2.")
            try text.replacing("@BINDIR@", with: Lab.products)
                .write(toFile: path, atomically: false, encoding: .utf8)
            return path
        }
    }

    private func analyze(_ arguments: [String]) throws -> (
        status: Int32, output: String, errors: String
    )? {
        let program = "/usr/bin/systemd-analyze"
        guard Files.mayRun(program) else {
            print("not shown: \(program) is not installed")
            return nil
        }
        return try run(program, arguments)
    }

    @Test("systemd finds nothing wrong with them")
    func verify() throws {
        let lab = try Lab()
        let paths = try install(lab)
        #expect(paths.count == 5)
        guard let result = try analyze(["verify", "--man=no"] + paths) else { return }
        #expect(result.status == 0 && (result.output + result.errors).isEmpty, "\(result)")
    }

    @Test("they are confined, and a debugger can still do its work in them")
    func security() throws {
        let lab = try Lab()
        for path in try install(lab) where path.hasSuffix(".service") {
            guard let result = try analyze(["security", "--offline=true", path]) else { return }
            let level = try #require(result.output.firstMatch(of: /exposure level.*: (\d+\.\d)/))
            #expect(try #require(Double(level.output.1)) < 6.5, "\(path): \(level.output.0)")
            let text = try String(contentsOfFile: path, encoding: .utf8)
            #expect(text.contains("CapabilityBoundingSet=CAP_SYS_PTRACE CAP_KILL "))
            for word in [
                "@debug", "@process", "LockPersonality=yes", "PrivateUsers", "PrivatePIDs",
                "ProtectProc",
                "PrivateTmp", "MemoryDenyWriteExecute",
            ] {
                #expect(!text.contains(word), "\(path): \(word) keeps a debugger from its work")
            }
        }
    }
}
