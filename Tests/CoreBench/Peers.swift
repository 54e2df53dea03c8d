internal import Glibc
internal import LinuxSystem

/// One of the servers.
struct Peer {
    var name: String
    var dialect: StubClient.Dialect
    /// The command line for a port.
    var command: (Int) -> [String]

    static func all(dbgsrv: String) throws -> [Peer] {
        func find(_ names: [String]) throws -> String {
            for name in names {
                if let path = ProgramLauncher.find(name) { return path }
            }
            throw BenchFailure("\(names[0]) is not installed")
        }
        let gdbserver = try find(["gdbserver"])
        let lldbServer = try find(["lldb-server-14", "lldb-server"])
        return [
            Peer(name: "gdbserver", dialect: .gdb) { [gdbserver, "--multi", "127.0.0.1:\($0)"] },
            Peer(name: "lldb-server", dialect: .lldb) {
                [lldbServer, "gdbserver", "127.0.0.1:\($0)"]
            },
            Peer(name: "dbgsrv", dialect: .gdb) { [dbgsrv, "-t", "tcp:port=\($0)"] },
        ]
    }
}

/// A server that runs, and what else a measurement starts.
final class Stage {
    let peer: Peer
    let port: Int
    let bench: Bench
    private(set) var server: Int32 = 0
    private var started: [Int32] = []

    init(_ peer: Peer, _ bench: Bench) throws {
        self.peer = peer
        self.bench = bench
        let address = try SocketAddress.resolve(host: "127.0.0.1", port: 0, onlyIPv6: false)[0]
        port = try address.listen(onlyIPv6: false, backlog: 1).1
        let words = peer.command(port)
        server = try start(words[0], Array(words.dropFirst()))
    }

    /// The first connection, tried until there is somebody.
    func connect() throws -> StubClient {
        let deadline = monotonicNanoseconds() + 10_000_000_000
        while true {
            do {
                return try StubClient(port: port, peer.dialect)
            } catch let error as SystemError {
                guard monotonicNanoseconds() < deadline else { throw error }
                usleep(200)
            }
        }
    }

    /// Starts the debuggee and waits until it says that it is ready.
    func debuggee(_ words: String...) throws -> Int32 {
        let pipe = try ProgramLauncher.makePipe()
        let null = try openFile("/dev/null", flags: O_RDWR)
        let process = try ProgramLauncher.start(
            bench.debuggee,
            arguments: words,
            descriptors: [null, pipe.write, null],
            newSession: true
        )
        started.append(process)
        var waiting = [PollRequest(pipe.read.number)]
        guard try pollDescriptors(&waiting, timeoutMilliseconds: 20_000) else {
            throw BenchFailure("the debuggee does not get ready")
        }
        return process
    }

    private func start(_ path: String, _ arguments: [String]) throws -> Int32 {
        let null = try openFile("/dev/null", flags: O_RDWR)
        let process = try ProgramLauncher.start(
            path,
            arguments: arguments,
            descriptors: [null, null, null],
            newSession: true
        )
        started.append(process)
        return process
    }

    func end() {
        for process in started {
            kill(process, process == server ? SIGTERM : SIGKILL)
        }
        let deadline = monotonicNanoseconds() + 3_000_000_000
        while monotonicNanoseconds() < deadline {
            started.removeAll { ProgramLauncher.ending(of: $0) != nil }
            if started.isEmpty { return }
            usleep(2000)
        }
        for process in started {
            kill(process, SIGKILL)
            ProgramLauncher.waitForEnd(of: process)
        }
    }

    /// The memory of the server and of the processes that it started for itself, in bytes: all that is
    /// resident of the first, and of the others what is not shared.
    func residentBytes() throws -> Double {
        let children = try fileText("/proc/\(server)/task/\(server)/children")
            .split(separator: " ").compactMap { Int32($0) }
        let own = try kilobytes(of: "VmRSS:", in: "/proc/\(server)/status")
        let others = try children.map {
            try kilobytes(of: "Private_Dirty:", in: "/proc/\($0)/smaps_rollup")
        }
        return others.reduce(own, +) * 1024
    }

    private func kilobytes(of key: String, in path: String) throws -> Double {
        for line in try fileText(path).split(separator: "\n") where line.hasPrefix(key) {
            return Double(line.split(separator: " ")[1]) ?? 0
        }
        return 0
    }

    private func fileText(_ path: String) throws -> String {
        let file = try openFile(path, flags: O_RDONLY)
        return String(decoding: try file.read(maximum: 1 << 16) ?? [], as: UTF8.self)
    }
}
