/// Why a wait for the target came to an end.
public enum WaitOutcome: Sendable, Equatable {
    /// The descriptor has something to read.
    case ready
    /// The user asks for the prompt (Ctrl+C).
    case interrupted
}

/// What the engine needs of the program around it: a place for text, a way to wait, the client's
/// files.
///
/// The engine itself makes no system call, so that it runs the same in a test.
public protocol EngineHost: AnyObject {
    /// Where text goes.
    var output: any OutputSink { get }
    /// Files of the machine the debugger runs on.
    var files: any ClientFiles { get }
    /// Waits until the descriptor can be read or the user interrupts.
    func wait(for descriptor: Int32) -> WaitOutcome
    /// Whether the user interrupted since the last call; long output asks now and then.
    func takeInterrupt() -> Bool
    /// Shows how far something that takes long has come, where there is a place for it.
    ///
    /// - Returns: false where there is none; the engine then prints lines now and then.
    func showProgress(_ title: String, done: UInt64, of total: UInt64) -> Bool
    /// Takes the last progress off the screen.
    func endProgress()
}

extension EngineHost {
    /// There is no place for it.
    public func showProgress(_ title: String, done: UInt64, of total: UInt64) -> Bool { false }
    /// There was none.
    public func endProgress() {}
}

/// Files on the client's machine, and the cache of binaries taken from targets.
public protocol ClientFiles: AnyObject {
    /// Up to `count` bytes of a regular file from `offset` on; nil when it cannot be read.
    func read(_ path: String, at offset: UInt64, count: Int) -> [UInt8]?
    /// The cached copy of a binary of that build-id (hexadecimal), if there is one.
    func cachedModule(buildID: String, name: String) -> String?
    /// Stores a binary in the cache under its build-id and says where it lies.
    ///
    /// - Parameter contents: gives the next bytes at each call, an empty array at the end, nil to give up.
    func storeModule(buildID: String, name: String, contents: () -> [UInt8]?) -> String?
    /// Takes a binary that turned out not to be what it was stored as out of the cache.
    func discardModule(_ path: String)
    /// Whether servers of debug files are named (DEBUGINFOD_URLS).
    var hasDebugFileServers: Bool { get }
    /// Fetches the debug file of a build-id from such a server and says where it lies; nil when there is none.
    func serverDebugFile(buildID: [UInt8], isCancelled: @escaping () -> Bool) -> String?
}

extension ClientFiles {
    /// No servers.
    public var hasDebugFileServers: Bool { false }

    /// No servers.
    public func serverDebugFile(buildID: [UInt8], isCancelled: @escaping () -> Bool) -> String? {
        nil
    }
}

/// What went wrong with something the user asked for, in CDB's terms.
public struct EngineError: Error, Sendable, Equatable {
    /// How the message is dressed.
    public enum Kind: String, Sendable {
        /// An expression names something that does not exist.
        case unresolved = "Couldn't resolve"
        /// The text does not follow the grammar.
        case syntax = "Syntax"
        /// Text is left over after a complete command.
        case extraCharacters = "Extra character"
        /// A number is outside of what is possible.
        case range = "Range"
        /// Memory that an expression needs cannot be read.
        case memoryAccess = "Memory access"
        /// A register of that name does not exist.
        case badRegister = "Bad register"
        /// Too many or too few operands.
        case operand = "Operand"
        /// There is no process to do it with.
        case noDebuggee = "No runnable debuggees"
        /// What is being debugged cannot do it: a dump, a kernel.
        case notSupported = "Operation not supported by current debuggee"
        /// The thread number does not exist.
        case illegalThread = "Illegal thread"
        /// The user stopped it.
        case userInterrupt = "User interrupted operation"
        /// An expression of C means nothing; `detail` says why.
        case expression = "Expression"
        /// A plain sentence of its own.
        case sentence = ""
    }

    /// The kind.
    public var kind: Kind
    /// The offending text, or the whole sentence.
    public var text: String
    /// What is wrong, where the kind does not say it all.
    public var detail: String

    /// Builds an error.
    public init(_ kind: Kind, _ text: String, detail: String = "") {
        self.kind = kind
        self.text = text
        self.detail = detail
    }

    /// A sentence that needs no dressing.
    public static func sentence(_ text: String) -> EngineError { EngineError(.sentence, text) }
}
