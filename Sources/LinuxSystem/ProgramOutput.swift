internal import Glibc

/// What a program that was run to its end said.
public struct ProgramOutput: Sendable, Equatable {
    /// The most that is kept of it, in bytes.
    public static let bytesMax = 1 << 20

    /// Its exit status; nil when a signal ended it.
    public var status: Int32?
    /// Standard output and standard error as they came.
    public var text: String

    /// Builds one.
    public init(status: Int32?, text: String) {
        self.status = status
        self.text = text
    }

    /// Whether it ended with status 0.
    public var isSuccess: Bool { status == 0 }

    /// Runs a program to its end, with nothing on its standard input.
    ///
    /// - Parameter milliseconds: how long it gets before SIGKILL ends it.
    public static func run(
        _ path: String,
        _ arguments: [String],
        milliseconds: Int = 10_000
    ) throws(SystemError) -> ProgramOutput {
        let deadline = monotonicNanoseconds() + UInt64(milliseconds) * 1_000_000
        let process: Int32
        let output: OwnedDescriptor
        do {
            let pipe = try ProgramLauncher.makePipe()
            output = pipe.read
            process = try ProgramLauncher.start(
                path,
                arguments: arguments,
                descriptors: [
                    try openFile("/dev/null", flags: O_RDONLY), pipe.write, pipe.write,
                ],
                newSession: true
            )
        }
        try output.setNonBlocking()
        var bytes: [UInt8] = []
        while monotonicNanoseconds() < deadline {
            var requests = [PollRequest(output.number)]
            let left = Int((deadline - min(deadline, monotonicNanoseconds())) / 1_000_000) + 1
            try pollDescriptors(&requests, timeoutMilliseconds: left)
            guard let portion = try output.read(maximum: 16_384) else { continue }
            if portion.isEmpty { break }
            if bytes.count < bytesMax { bytes += portion }
        }
        if monotonicNanoseconds() >= deadline { ProgramLauncher.signalGroup(process, SIGKILL) }
        let status = ProgramLauncher.waitForEnd(of: process)
        return ProgramOutput(status: status, text: String(decoding: bytes, as: UTF8.self))
    }
}
