internal import Glibc

/// What a program said that was run to its end, with a limit to its time and its output.
public struct ProgramOutput: Sendable, Equatable {
    /// The most output that is kept, in bytes; the rest is read and dropped.
    public static let bytesMax = 1 << 20
    private static let lookMilliseconds = 20

    /// Standard output and standard error as they came, as much as is kept.
    public private(set) var bytes: [UInt8]
    /// How it ended; nil where it was killed because its time was up.
    public private(set) var ending: ProgramLauncher.Ending?

    /// Builds one.
    public init(bytes: [UInt8], ending: ProgramLauncher.Ending?) {
        self.bytes = bytes
        self.ending = ending
    }

    /// Whether it ended with status 0.
    public var isSuccess: Bool { ending == .exited(0) }

    /// The output as text.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Runs a program to its end, with nothing on its standard input and in a session of its own.
    ///
    /// - Parameters:
    ///   - path: the executable.
    ///   - arguments: what follows its name.
    ///   - milliseconds: how long it gets before SIGKILL ends its process group.
    public static func run(
        _ path: String,
        _ arguments: [String],
        milliseconds: Int = 10_000
    ) throws(SystemError) -> ProgramOutput {
        let process: Int32
        let pipe: OwnedDescriptor
        do {
            let ends = try ProgramLauncher.makePipe()
            let null = try openFile("/dev/null", flags: O_RDONLY)
            process = try ProgramLauncher.start(
                path,
                arguments: arguments,
                descriptors: [null, ends.write, ends.write],
                newSession: true
            )
            pipe = ends.read
        }
        var output = ProgramOutput(bytes: [], ending: nil)
        try output.collect(from: pipe, process, milliseconds)
        return output
    }

    /// Runs a line with /bin/sh.
    ///
    /// - Parameters:
    ///   - line: the line.
    ///   - folder: where it starts; nil for the current folder.
    ///   - milliseconds: how long it gets before SIGKILL ends its process group.
    public static func runShell(
        _ line: String,
        in folder: String?,
        milliseconds: Int
    ) throws(SystemError) -> ProgramOutput {
        let script = "cd -- \"$1\" && eval \"$2\""
        return try run(
            "/bin/sh",
            ["-c", script, "sh", folder ?? ".", line],
            milliseconds: milliseconds
        )
    }

    private mutating func collect(
        from pipe: OwnedDescriptor,
        _ process: Int32,
        _ milliseconds: Int
    ) throws(SystemError) {
        try pipe.setNonBlocking()
        let deadline = monotonicNanoseconds() + UInt64(max(milliseconds, 0)) * 1_000_000
        // What it leaves behind in the background may hold the pipe open: its own end counts.
        while monotonicNanoseconds() < deadline {
            ending = ProgramLauncher.ending(of: process)
            var hasEnded = false
            while let portion = try pipe.read(maximum: 65_536) {
                if portion.isEmpty {
                    hasEnded = true
                    break
                }
                bytes += portion.prefix(Self.bytesMax - bytes.count)
            }
            if ending != nil { return }
            var requests = [PollRequest(hasEnded ? -1 : pipe.number)]
            try pollDescriptors(&requests, timeoutMilliseconds: Self.lookMilliseconds)
        }
        ProgramLauncher.signalGroup(process, SIGKILL)
        ProgramLauncher.waitForEnd(of: process)
    }
}
