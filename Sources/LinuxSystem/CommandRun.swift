internal import CLinuxShims
internal import Glibc

/// A shell's command run to its end, with a limit to its time and its output.
public struct CommandRun: Sendable {
    /// What it wrote to either output, as much as is kept.
    public private(set) var output: [UInt8] = []
    /// How it ended; nil where it was killed because its time was up.
    public private(set) var ending: ProgramLauncher.Ending?

    /// The most output that is kept, in bytes; the rest is read and dropped.
    public static let outputBytesMax = 1 << 20
    private static let lookMilliseconds = 20

    /// Runs a line with /bin/sh.
    ///
    /// - Parameters:
    ///   - line: the line.
    ///   - folder: where it starts; nil for the current folder.
    ///   - seconds: how long it may take.
    public init(_ line: String, in folder: String?, seconds: Int) throws(SystemError) {
        let pipe = try ProgramLauncher.makePipe()
        let null = try openFile("/dev/null", flags: O_RDONLY)
        let process = try ProgramLauncher.start(
            "/bin/sh",
            arguments: [
                "-c", "cd -- \"$1\" && eval \"$2\"", "sh", folder ?? ".", line,
            ],
            descriptors: [null, pipe.write, pipe.write],
            newSession: true
        )
        try collect(from: pipe.read, process, seconds)
    }

    private mutating func collect(
        from pipe: OwnedDescriptor,
        _ process: Int32,
        _ seconds: Int
    ) throws(SystemError) {
        try pipe.setNonBlocking()
        let deadline = monotonicNanoseconds() + UInt64(max(seconds, 0)) * 1_000_000_000
        // What it leaves behind in the background may hold the pipe open: its own end counts.
        while monotonicNanoseconds() < deadline {
            ending = ProgramLauncher.ending(of: process)
            var hasEnded = false
            while let bytes = try pipe.read(maximum: 65_536) {
                if bytes.isEmpty {
                    hasEnded = true
                    break
                }
                output += bytes.prefix(Self.outputBytesMax - output.count)
            }
            if ending != nil { return }
            var requests = [PollRequest(hasEnded ? -1 : pipe.number)]
            try pollDescriptors(&requests, timeoutMilliseconds: Self.lookMilliseconds)
        }
        ProgramLauncher.signalGroup(process, SIGKILL)
        ProgramLauncher.waitForEnd(of: process)
    }
}
