internal import ByteTransport
internal import ConnectionStrings
internal import Glibc
internal import LinuxSystem

// The pipe of another machine. The original reaches it over a file-sharing session that the user has logged in
// to; here ssh(1) is that session: it knows the user, the keys and the machine's name. One run of it asks where the
// pipe is, a second one forwards a Unix socket of ours to it (ssh(1), `-L`, stream-local). Nothing listens on either
// machine's network for it.

/// A connection to a pipe of another machine, through ssh.
final class SSHTunnel {
    /// The environment variable with a configuration file for ssh (`-F`).
    static let configurationVariable = "DBGSRV_SSH_CONFIG"
    /// How long ssh may take to log in, in seconds.
    static let loginSeconds = 30
    /// How many bytes of what ssh says are kept.
    static let wordsBytesMax = 8192

    private let process: Int32
    /// As long as this is open, ssh stays: it ends when we do, however we end.
    private var input: OwnedDescriptor?
    private let output: OwnedDescriptor
    private let errors: OwnedDescriptor
    private var spoken: [UInt8] = []

    /// Connects to a pipe of another machine as the user that ssh logs in there.
    static func connect(machine: String, pipe: String) throws(TransportError) -> DescriptorTransport
    {
        guard !machine.hasPrefix("-"), !pipe.contains(where: { $0 == ":" || $0 == "\\" }) else {
            throw TransportError(
                "npipe: pipe was '\(pipe)' of server '\(machine)': ssh cannot be told of such names"
            )
        }
        do {
            let remotePath = try find(pipe, machine)
            let folder = try RuntimeDirectory.open(subfolder: "ssh")
            let local = "\(folder)/\(Files.ownProcess)-\(monotonicNanoseconds())"
            defer { removeFile(local) }
            let tunnel = try SSHTunnel(
                machine,
                ["-o", "ExitOnForwardFailure=yes", "-L", "\(local):\(remotePath)"],
                command: "echo ready; exec cat >/dev/null"
            )
            guard try tunnel.line() == "ready" else { throw tunnel.failure(machine) }
            return try DescriptorTransport(
                try UnixSocket.connect(path: local),
                peerName: "npipe \(machine) \(pipe)",
                link: .network,
                reasonForEnd: { tunnel.lastWords }
            )
        } catch let error as TransportError {
            throw error
        } catch {
            throw TransportError("npipe \(machine) \(pipe): \(error)")
        }
    }

    /// Where the pipe is on the other machine.
    private static func find(_ pipe: String, _ machine: String) throws -> String {
        let question = try SSHTunnel(machine, [], command: "exec sh -c '\(script)' sh '\(pipe)'")
        let answer = try question.line()
        if let answer, answer.hasPrefix("/") { return answer }
        guard answer == "none" else { throw question.failure(machine) }
        throw TransportError(
            "cannot connect to npipe \(pipe) of \(machine): no server of the user that ssh logs in"
                + " there has a pipe of that name"
        )
    }

    /// Looks where `RuntimeDirectory` puts pipes; a name that is no socket is not it.
    private static let script =
        #"for f in "$DBGSRV_RUNTIME_DIR/pipes" /run/dbgsrv/pipes "$XDG_RUNTIME_DIR/dbgsrv/pipes""#
        + #" "/run/user/$(id -u)/dbgsrv/pipes" "/tmp/dbgsrv-$(id -u)/pipes""#
        + #" "${DBGSRV_SHARED_PIPES_DIR:-/run/dbgsrv-pipes}"; do"#
        + #" if test -S "$f/$1" && test -w "$f/$1"; then echo "$f/$1"; exit; fi; done; echo none"#

    private init(
        _ machine: String,
        _ options: [String],
        command: String
    ) throws {
        guard let program = findProgram("ssh") else {
            throw TransportError(
                "npipe: server was '\(machine)': a pipe of another machine is reached through ssh, which"
                    + " is not installed (openssh-client)"
            )
        }
        let configuration = environmentValue(Self.configurationVariable).map { ["-F", $0] } ?? []
        let common = [
            "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=\(Self.loginSeconds)", "-o",
            "ServerAliveInterval=15", "-o", "ServerAliveCountMax=4",
        ]
        let input = try ProgramLauncher.makePipe()
        let output = try ProgramLauncher.makePipe()
        let errors = try ProgramLauncher.makePipe()
        process = try ProgramLauncher.start(
            program,
            arguments: configuration + common + options + ["--", machine, command],
            descriptors: [input.read, output.write, errors.write],
            newSession: true
        )
        self.input = input.write
        self.output = output.read
        self.errors = errors.read
        try output.read.setNonBlocking()
        try errors.read.setNonBlocking()
    }

    deinit {
        input = nil
        kill(process, SIGTERM)
        ProgramLauncher.waitForEnd(of: process)
    }

    /// The next line that the other machine says; nil when it says none.
    private func line() throws -> String? {
        let deadline = monotonicNanoseconds() + UInt64(Self.loginSeconds) * 1_000_000_000
        var bytes: [UInt8] = []
        while bytes.count < Self.wordsBytesMax {
            var requests = [PollRequest(output.number)]
            guard try pollDescriptors(&requests, untilMonotonicNanoseconds: deadline) else {
                return nil
            }
            guard let more = try output.read(maximum: 4096) else { continue }
            bytes += more
            if let end = bytes.firstIndex(of: 0x0a) {
                return String(decoding: bytes[..<end], as: UTF8.self)
            }
            if more.isEmpty { return nil }
        }
        return nil
    }

    private func failure(_ machine: String) -> TransportError {
        let words = lastWords ?? "it does not say why; try `ssh \(machine) true`"
        return TransportError(
            "npipe: server was '\(machine)', and ssh does not get there: \(words)"
        )
    }

    /// What ssh said of its trouble, as one line; nil when it said nothing.
    private var lastWords: String? {
        // What it says as it ends comes right behind the end of what it carried.
        var requests = [PollRequest(errors.number)]
        _ = try? pollDescriptors(&requests, timeoutMilliseconds: Self.lastWordsMilliseconds)
        while spoken.count < Self.wordsBytesMax, let more = try? errors.read(maximum: 4096),
            !more.isEmpty
        {
            spoken += more
        }
        let lines = String(decoding: spoken, as: UTF8.self).split(whereSeparator: \.isNewline)
        return lines.isEmpty ? nil : lines.suffix(3).joined(separator: "; ")
    }

    private static let lastWordsMilliseconds = 500
}

/// Where a program is by PATH.
private func findProgram(_ name: String) -> String? {
    let folders = (environmentValue("PATH") ?? "/usr/bin:/bin").split(separator: ":")
    return folders.map { "\($0)/\(name)" }.first { ProgramLauncher.isExecutable($0) }
}
