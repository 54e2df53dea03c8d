internal import DebugTarget

/// What the user wants of one kind of event or signal (`sx`).
public struct EventFilter: Sendable, Equatable {
    /// What it is about.
    public enum Subject: Sendable, Hashable {
        /// A thread began.
        case createThread
        /// A thread ended.
        case exitThread
        /// A process was forked.
        case createProcess
        /// A process ended.
        case exitProcess
        /// A process executes another program.
        case execute
        /// A module was mapped.
        case loadModule
        /// A module was unmapped.
        case unloadModule
        /// A system call is entered or left.
        case systemCall
        /// The stop after attaching or starting.
        case initialStop
        /// What the debuggee writes.
        case output
        /// A signal by its number.
        case signal(Int32)
        /// All signals that have no filter of their own.
        case otherSignals
    }

    /// What happens.
    public enum Reaction: String, Sendable {
        /// The prompt comes (`sxe`).
        case stop = "break"
        /// The prompt comes only when the program does not handle it (`sxd`).
        case secondChance = "second-chance break"
        /// A line is printed (`sxn`).
        case output = "output"
        /// Nothing (`sxi`).
        case ignore = "ignore"
    }

    /// What it is about.
    public let subject: Subject
    /// The name in `sx` commands.
    public let code: String
    /// Other names it answers to.
    public let otherNames: [String]
    /// What it is called.
    public let text: String
    /// What happens.
    public var reaction: Reaction
    /// Whether a signal is kept from the program when it goes on (`-h`).
    public var isHandled = false
    /// What is carried out when it stops on its first chance (`-c`).
    public var command: String?
    /// What is carried out when it stops on its second chance (`-c2`).
    public var secondCommand: String?
    /// Which module, program or system call (`ld:libc*`), empty for all.
    public var argument = ""

    init(
        _ subject: Subject,
        _ code: String,
        _ text: String,
        _ reaction: Reaction,
        names: [String] = [],
        isHandled: Bool = false
    ) {
        self.subject = subject
        self.code = code
        self.text = text
        self.reaction = reaction
        otherNames = names
        self.isHandled = isHandled
    }

    /// Whether it is a signal's.
    public var isSignal: Bool {
        switch subject {
        case .signal, .otherSignals: true
        default: false
        }
    }

    /// Whether its argument lets a name pass.
    func covers(_ name: String) -> Bool {
        if argument.isEmpty { return true }
        let pattern = WildcardPattern(argument)
        return pattern.matches(name) || pattern.matches(Format.baseName(name))
            || Module.expressionName(ofPath: name).lowercased() == argument.lowercased()
            || Module.expressionName(ofPath: name).lowercased() == argument.lowercased() + "_so"
            || WildcardPattern(argument + "*").matches(Format.baseName(name))
                && !WildcardPattern.hasWildcard(argument)
    }
}

/// All filters, in the order in which `sx` lists them.
public struct EventFilters: Sendable, Equatable {
    /// The filters.
    public private(set) var all: [EventFilter]

    /// As they are at the start.
    public init() {
        all = Self.events + Self.signals
    }

    /// Back to the start (`sxr`).
    public mutating func reset() {
        self = EventFilters()
    }

    /// The filter that a name means; nil when none does.
    public func index(named name: String) -> Int? {
        let wanted = name.lowercased()
        return all.firstIndex { filter in
            filter.code == wanted || filter.otherNames.contains(wanted)
        }
    }

    /// The filter of a signal, which gets one of its own if it has none.
    public mutating func index(ofSignal number: Int32) -> Int {
        let known = all.firstIndex { $0.subject == .signal(number) }
        if let known { return known }
        let filter = EventFilter(.signal(number), "sig\(number)", "Signal \(number)", .stop)
        all.insert(filter, at: all.count - 1)
        return all.count - 2
    }

    /// A filter by its place.
    public subscript(index: Int) -> EventFilter {
        get { all[index] }
        set { all[index] = newValue }
    }

    /// The filter of an event.
    public subscript(subject: EventFilter.Subject) -> EventFilter {
        all.first { $0.subject == subject } ?? all[all.count - 1]
    }

    /// The filter of a signal.
    func filter(of signal: Signal) -> EventFilter {
        self[.signal(signal.rawValue)]
    }

    /// Signals that need not stop: nobody wants to hear of them, and the program gets them.
    var passedSignals: Set<Signal> {
        Set(
            (1...64).map { Signal($0) }.filter { signal in
                let filter = filter(of: signal)
                return filter.reaction == .ignore && !filter.isHandled
            }
        )
    }

    private static let events: [EventFilter] = [
        EventFilter(.createThread, "ct", "Create thread", .ignore),
        EventFilter(.exitThread, "et", "Exit thread", .ignore),
        EventFilter(.createProcess, "cpr", "Create process", .ignore, names: ["fork"]),
        EventFilter(.exitProcess, "epr", "Exit process", .stop),
        EventFilter(.execute, "exec", "Execute program", .output),
        EventFilter(.loadModule, "ld", "Load module", .output),
        EventFilter(.unloadModule, "ud", "Unload module", .ignore),
        EventFilter(.systemCall, "sys", "System call", .ignore, names: ["syscall"]),
        EventFilter(.initialStop, "ibp", "Initial breakpoint", .stop),
        EventFilter(.output, "out", "Debuggee output", .output),
    ]

    private static func signal(
        _ number: Int32,
        _ code: String,
        _ text: String,
        _ reaction: EventFilter.Reaction = .stop,
        names: [String] = [],
        isHandled: Bool = false
    ) -> EventFilter {
        let own = (SignalText.names[number] ?? "").lowercased()
        let short = String(own.dropFirst(3))
        return EventFilter(
            .signal(number),
            code,
            text.isEmpty ? "Signal \(own.uppercased())" : text,
            reaction,
            names: names + [own, short],
            isHandled: isHandled
        )
    }

    private static let signals: [EventFilter] = known + stopping + silent + last

    private static func byName(_ number: Int32, _ reaction: EventFilter.Reaction) -> EventFilter {
        let name = String((SignalText.names[number] ?? "").dropFirst(3)).lowercased()
        return signal(number, name, "", reaction, isHandled: number == 19)
    }

    private static let stopping: [EventFilter] = [1, 3, 10, 12, 13, 15, 16, 19, 21, 22, 24, 25, 30]
        .map { byName($0, .stop) }
    /// Signals that go to the program without a word, as gdb does by default too.
    private static let silent: [EventFilter] = [14, 17, 18, 20, 23, 26, 27, 28, 29]
        .map { byName($0, .ignore) }
    private static let last: [EventFilter] = [
        // The C library's own, for cancellation and setuid in all threads.
        EventFilter(.signal(32), "rt32", "Signal 32 (cancellation)", .ignore),
        EventFilter(.signal(33), "rt33", "Signal 33 (setxid)", .ignore),
        EventFilter(.otherSignals, "*", "Other signal", .stop),
    ]

    private static let known: [EventFilter] = [
        signal(11, "av", "Access violation", names: ["c0000005", "gp", "sov"]),
        signal(6, "abrt", "Abort", names: ["asrt", "sbo", "c0000409", "eh"]),
        signal(5, "bpe", "Break instruction exception", names: ["80000003"], isHandled: true),
        signal(2, "cce", "Control-C exception", names: ["cc", "40010005"], isHandled: true),
        signal(8, "dz", "Integer divide-by-zero", names: ["iov", "c0000094"]),
        signal(4, "ii", "Illegal instruction", names: ["c000001d"]),
        signal(7, "ip", "In-page I/O error", names: ["dm", "c0000006"]),
        signal(31, "isc", "Invalid system call", names: ["c000001c"]),
    ]
}
