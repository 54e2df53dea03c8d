public import DebugTarget
internal import Disassembly

/// One debugging session: a target, its processes under the user's numbers, breakpoints and
/// options.
///
/// The engine composes a `DebugTarget` with symbols and disassembly; it knows neither how the
/// target is reached nor what a command looks like.
public final class DebugSession {
    /// The target.
    public let target: any DebugTarget
    /// The program around the engine.
    public let host: any EngineHost
    /// The processes by number.
    public internal(set) var processes: [ProcessState] = []
    /// The process that commands are about.
    public internal(set) var currentProcess: ProcessState?
    /// The thread that commands are about.
    public internal(set) var currentThread: ThreadState? {
        didSet {
            guard isKernel, let currentThread else { return }
            target.processorViews?.viewMemory(through: currentThread.id)
        }
    }
    /// The thread of the last event.
    public internal(set) var eventThread: ThreadState?
    /// The frame that `dv` and `.frame` are about, 0 the innermost.
    public var currentFrame = 0
    /// The user's breakpoints.
    public var breakpoints = BreakpointTable()
    /// What happened last.
    public internal(set) var lastEvent: LastEvent?
    /// How source lines take part.
    public var sourceOptions: SourceOptions = [.line]
    /// Whether line numbers are shown at all (`.lines`).
    public var usesLines = true
    /// Whether `p` and `t` show registers (`pr`, `tr`).
    public var showsRegisters = false
    /// Which registers `r` shows (`rm`).
    public var registerMask: UInt64 = 0xa
    /// How many frames `k` shows (`.kframes`).
    public var defaultFrameCount = 256
    /// The radix of plain numbers (`n`).
    public var radix = 16
    /// User pseudo-registers `$t0` to `$t19`.
    public var userRegisters = [UInt64](repeating: 0, count: 20)
    /// Where symbols, binaries and sources are looked for on the client.
    public var paths = SearchPaths()
    /// Hears of what happens, for tools.
    public weak var observer: (any SessionObserver)?
    /// Whether the processes are only looked at (`-pv`): nothing lets them run.
    public var looksOnly = false
    /// The largest binary fetched without being asked; on a slow line, what takes about a minute.
    public var automaticFetchBytesMax = UInt64.max
    /// Whether every byte counts on the line to the target.
    public var isLineSlow = false
    /// Whether children that a process forks stay under the debugger (`.childdbg`, `-o`).
    public var followsChildren = false
    /// Whether what is debugged is a kernel, its threads processors.
    public internal(set) var isKernel = false
    /// What the running debuggee was started with, for `.restart`.
    public internal(set) var launchRequest: LaunchRequest?

    /// What is done with signals and events (`sx`).
    public var filters = EventFilters() {
        didSet { filtersDidChange() }
    }
    /// Whether events are printed with their time (`.echotimestamps`).
    public var showsEventTimes = false
    /// The local time in words, where there is a clock.
    public var clock: (() -> String)?
    /// What is shown of the place where a thread stands (`.prompt_allow`).
    public var promptItems = PromptItems.all
    /// Which kinds of text are shown (`.outmask`).
    public var outputMask: OutputMask {
        get { masked.mask }
        set { masked.mask = newValue }
    }
    private let masked: MaskedOutput
    /// The last events, the oldest first.
    public internal(set) var events: [LastEvent] = []
    /// Modules that came and went since the last event was judged.
    var moduleEvents: [(isLoad: Bool, module: Module)] = []
    private var capture: CapturedOutput?
    /// Conditions as the target takes them, by their texts; a nil value is one that it cannot judge.
    var compiledConditions: [String: BreakpointCondition?] = [:]
    /// The language of expressions that do not say which they are in (`.expr`).
    public var expressionLanguage = ExpressionLanguage.masm
    var languageDepth = 0
    var nextProcessNumber = 0
    var nextThreadNumber = 0
    var stackCache: (thread: ThreadID, frames: [StackFrame], isComplete: Bool)?
    /// Whether Ctrl+C has reached the target since the command that runs it began.
    var interruptWasSent = false
    private var disassemblers: [Architecture: Disassembler] = [:]
    private var sources: [String: [String]?] = [:]

    /// A session without a process.
    public init(target: any DebugTarget, host: any EngineHost) {
        self.target = target
        self.host = host
        masked = MaskedOutput(host.output)
        filtersDidChange()
    }

    /// Where text goes.
    public var output: any OutputSink { capture ?? masked }

    /// Keeps what is written meanwhile and gives it.
    public func capturing(_ body: () throws -> Void) rethrows -> String {
        let own = CapturedOutput(bytesMax: CapturedOutput.scriptBytesMax)
        let previous = capture
        capture = own
        defer { capture = previous }
        try body()
        return own.text
    }

    /// `0:000>`, or `NoTarget>`; `kd>` of a kernel, with the processor's number where there are several.
    public var prompt: String {
        guard let process = currentProcess, let thread = currentThread else { return "NoTarget> " }
        if isKernel { return process.threads.count > 1 ? "\(thread.number): kd> " : "kd> " }
        let number = Format.leftPad(String(thread.number), to: 3, with: "0")
        return "\(process.number):\(number)> "
    }

    /// The current process, or the error CDB gives without one.
    public func requireProcess(for command: String) throws -> ProcessState {
        guard let process = currentProcess else { throw EngineError(.noDebuggee, command) }
        return process
    }

    /// The current thread, or the error CDB gives without one.
    public func requireThread(for command: String) throws -> ThreadState {
        guard let thread = currentThread else { throw EngineError(.noDebuggee, command) }
        return thread
    }

    /// The process of a thread.
    public func process(of thread: ThreadState) -> ProcessState? {
        processes.first { $0.id == thread.id.process }
    }

    /// Makes a thread, and its process, the current one.
    public func select(_ thread: ThreadState) {
        currentThread = thread
        currentProcess = process(of: thread)
        currentFrame = 0
    }

    /// The disassembler of a process's architecture.
    func disassembler(for process: ProcessState) throws -> Disassembler {
        let architecture = try target.targetDescription(of: process.id).architecture
        if let known = disassemblers[architecture] { return known }
        let made = try Disassembler(architecture: architecture)
        disassemblers[architecture] = made
        return made
    }

    /// The lines of a source file found by the source path, or nil.
    public func sourceLines(_ file: String) -> [String]? {
        if let known = sources[file] { return known }
        let lines = paths.sourceCandidates(for: file).lazy.compactMap { self.readLines($0) }.first
        sources[file] = .some(lines)
        return lines
    }

    /// Forgets source files, after the source path changed.
    public func forgetSources() {
        sources = [:]
    }

    private func readLines(_ path: String) -> [String]? {
        guard let bytes = host.files.read(path, at: 0, count: SearchPaths.sourceByteCountMax),
            !bytes.isEmpty
        else { return nil }
        return bytes.split(separator: 0x0a, omittingEmptySubsequences: false).map {
            String(decoding: $0.last == 0x0d ? $0.dropLast() : $0, as: UTF8.self)
        }
    }
}
