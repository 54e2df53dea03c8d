internal import CLinuxShims
internal import Glibc

/// A child between fork and exec, stopped until it is released.
public struct ChildProcess: ~Copyable {
    /// What to run and how.
    public struct Specification: Sendable {
        /// The path for execve(2).
        public var program: String
        /// argv, each byte for byte.
        public var arguments: [[UInt8]]
        /// `NAME=value` each.
        public var environment: [String]
        /// Where it runs; nil for the caller's directory.
        public var workingDirectory: String?
        /// Whether addresses are the same in every run.
        public var disablesAddressRandomization: Bool
        /// The path of a terminal that becomes its standard streams and its controlling terminal; nil for the
        /// streams of this process and no input.
        public var terminal: String?
        /// Files that become descriptors 0, 1 and 2 instead.
        public var streams: [String?]
        /// A descriptor of ours that becomes its standard input; nil for /dev/null.
        public var input: Int32?
        /// Whether it gets a session of its own, not only a process group.
        public var startsSession: Bool

        /// Builds a specification.
        public init(
            program: String,
            arguments: [[UInt8]],
            environment: [String],
            workingDirectory: String?,
            disablesAddressRandomization: Bool,
            startsSession: Bool = false,
            terminal: String? = nil,
            streams: [String?] = [nil, nil, nil]
        ) {
            self.program = program
            self.arguments = arguments
            self.environment = environment
            self.workingDirectory = workingDirectory
            self.disablesAddressRandomization = disablesAddressRandomization
            self.terminal = terminal
            self.streams = streams
            self.startsSession = startsSession
        }
    }

    /// Why the child could not become the program.
    public enum Failure: Sendable, Equatable {
        /// chdir(2) failed.
        case workingDirectory(Int32)
        /// execve(2) failed.
        case exec(Int32)
        /// Anything before them failed.
        case setup(Int32)
    }

    /// Its process id.
    public let processID: Int32
    private let release: OwnedDescriptor
    private let report: OwnedDescriptor

    /// Forks a child with standard input from /dev/null (or as specified), its own process group, default signal handling
    /// and no other descriptors than standard output and error.
    public init(_ specification: Specification) throws(SystemError) {
        precondition(specification.streams.count == 3, "there are three standard streams")
        let null = OwnedDescriptor(
            try systemCall("open", "/dev/null") { clinux_open("/dev/null", O_RDONLY, 0) }
        )
        var releaseNumber: Int32 = -1
        var reportNumber: Int32 = -1
        let terminal = specification.terminal.map { strdup($0) }
        let streams = specification.streams.map { path in path.map { strdup($0) } }
        defer {
            free(terminal ?? nil)
            for path in streams { free(path ?? nil) }
        }
        let child = withCStrings(specification.arguments) { arguments in
            withCStrings(specification.environment.map { Array($0.utf8) }) { environment in
                withOptionalCString(specification.workingDirectory) { directory in
                    specification.program.withCString { program in
                        var launch = clinux_launch()
                        launch.program = program
                        launch.arguments = arguments
                        launch.environment = environment
                        launch.working_directory = directory
                        launch.disables_randomization =
                            specification.disablesAddressRandomization ? 1 : 0
                        launch.standard_input =
                            terminal == nil ? specification.input ?? null.number : -1
                        launch.new_session = specification.startsSession ? 1 : 0
                        launch.terminal = UnsafePointer(terminal ?? nil)
                        launch.streams = (
                            UnsafePointer(streams[0] ?? nil), UnsafePointer(streams[1] ?? nil),
                            UnsafePointer(streams[2] ?? nil)
                        )
                        return clinux_fork_child(&launch, &releaseNumber, &reportNumber)
                    }
                }
            }
        }
        guard child >= 0 else { throw SystemError("fork") }
        processID = child
        release = OwnedDescriptor(releaseNumber)
        report = OwnedDescriptor(reportNumber)
    }

    /// Lets the child go on to execve(2).
    public func proceed() throws(SystemError) {
        _ = try release.write([1])
    }

    /// Waits until the child has become the program or has failed, `milliseconds` at the most.
    ///
    /// Not for a child that is traced: it waits for its tracer.
    public func waitForOutcome(milliseconds: Int) throws(SystemError) {
        var requests = [PollRequest(report.number)]
        try pollDescriptors(&requests, timeoutMilliseconds: milliseconds)
    }

    /// Why the child failed; nil when it did not.
    ///
    /// To be asked when the child has run the program or ended.
    public func failure() -> Failure? {
        try? report.setNonBlocking()
        guard let bytes = try? report.read(maximum: MemoryLayout<clinux_launch_failure>.size),
            bytes.count == MemoryLayout<clinux_launch_failure>.size
        else { return nil }
        let failure = bytes.withUnsafeBytes { $0.loadUnaligned(as: clinux_launch_failure.self) }
        switch UInt32(failure.stage) {
        case CLINUX_LAUNCH_DIRECTORY.rawValue: return .workingDirectory(failure.error_number)
        case CLINUX_LAUNCH_EXEC.rawValue: return .exec(failure.error_number)
        default: return .setup(failure.error_number)
        }
    }
}

private func withCStrings<Answer>(
    _ strings: [[UInt8]],
    _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Answer
) -> Answer {
    var copies = copiedCStrings(strings)
    defer { for copy in copies { free(copy) } }
    copies.append(nil)
    return copies.withUnsafeBufferPointer { buffer in
        guard let first = buffer.baseAddress else { preconditionFailure("the list ends with nil") }
        return body(first)
    }
}

/// Copies made by malloc(3), each ended by a zero byte.
func copiedCStrings(_ strings: [[UInt8]]) -> [UnsafeMutablePointer<CChar>?] {
    strings.map { bytes in
        (bytes + [0]).withUnsafeBufferPointer { buffer in
            buffer.withMemoryRebound(to: CChar.self) { $0.baseAddress.flatMap { strdup($0) } }
        }
    }
}

private func withOptionalCString<Answer>(
    _ string: String?,
    _ body: (UnsafePointer<CChar>?) -> Answer
) -> Answer {
    guard let string else { return body(nil) }
    return string.withCString { body($0) }
}

/// The environment of this process, `NAME=value` each.
public func processEnvironment() -> [String] {
    var entry = environ
    var variables: [String] = []
    while let variable = entry.pointee {
        variables.append(String(cString: variable))
        entry += 1
    }
    return variables
}

/// Sends a signal to a whole process.
public func signalProcess(_ process: Int32, _ signal: Int32) throws(SystemError) {
    try systemCall("kill", "process \(process)") { kill(process, signal) }
}

/// Sends a signal to one thread.
public func signalThread(process: Int32, thread: Int32, _ signal: Int32) throws(SystemError) {
    try systemCall("tgkill", "thread \(thread)") { clinux_signal_thread(process, thread, signal) }
}
