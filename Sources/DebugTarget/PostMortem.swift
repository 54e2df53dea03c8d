/// What a dump tells of the process that it was made of.
public struct DumpDescription: Sendable, Equatable {
    /// The dump's file.
    public var path: String
    /// What part of memory it has, `mini` or `full`; empty where the dump does not say.
    public var extent: String
    /// The process's command line, as far as it is known.
    public var commandLine: String
    /// The signal that ended the process, or that it was about to get.
    public var signal: Signal?
    /// The thread that got it, or the first one.
    public var thread: ThreadID
    /// What whoever made the dump noted.
    public var comment: String
    /// When it was made; empty where it does not say.
    public var time: String
    /// What is wrong with the dump, in sentences.
    public var complaints: [String]

    /// Describes a dump.
    public init(
        path: String,
        extent: String,
        commandLine: String,
        signal: Signal?,
        thread: ThreadID,
        comment: String,
        time: String,
        complaints: [String]
    ) {
        self.path = path
        self.extent = extent
        self.commandLine = commandLine
        self.signal = signal
        self.thread = thread
        self.comment = comment
        self.time = time
        self.complaints = complaints
    }
}

/// Processes that are dumps: nothing of them runs, and nothing can be changed.
public protocol PostMortem: AnyObject {
    /// What the dump of a process says.
    func description(of process: ProcessID) -> DumpDescription?
    /// Opens a further dump.
    ///
    /// - Returns: the thread to show first.
    func openDump(_ path: String) throws(TargetError) -> ThreadID
    /// Sentences about files that could not be used for memory which is in files, since the last call.
    func takeNotices() -> [String]
}
