public import DebugTarget

// Stop replies (the manual's "Stop Reply Packets") and what it leaves unsaid:
//
// - gdb compares keys exactly and skips those it does not know, but a key made of hexadecimal digits only
//   is a register number.
// - gdb attributes registers to the thread it finds by looking for `;thread:` ahead; here the thread comes
//   before the registers so that simpler readers need not look ahead.
// - Signal numbers are the connection's (`SignalNumbering`); they stay numbers here.
// - `X` and `W` carry `;process:` only where multiprocess was agreed on.

/// A stop reply, read or to be written.
public enum StopReply: Sendable, Equatable {
    /// `T` (or `S` where there is nothing but the signal): a thread stopped.
    case stopped(ThreadStop)
    /// `W`: a process ended by exit(2).
    case exited(status: UInt8, process: ProcessID?)
    /// `X`: a signal ended a process.
    case terminated(signal: UInt8, process: ProcessID?)
    /// `w`: a thread ended.
    case threadExited(status: UInt64, ThreadReference)
    /// `N`: no resumed thread is left.
    case noneResumed
    /// `O`: text for the console; the stop is still to come.
    case output([UInt8])
    /// `F`: the program asks for a host system call; kept as it is.
    case hostCall([UInt8])
}

/// What a `T` reply says.
public struct ThreadStop: Sendable, Equatable {
    /// Why, beyond the signal.
    public enum Cause: Sendable, Equatable {
        /// `swbreak`.
        case softwareBreakpoint
        /// `hwbreak`.
        case hardwareBreakpoint
        /// `watch`, `rwatch`, `awatch`.
        case watchpoint(WatchAccess, TargetAddress)
        /// `syscall_entry`.
        case syscallEntry(UInt64)
        /// `syscall_return`.
        case syscallReturn(UInt64)
        /// `fork`.
        case fork(child: ThreadReference)
        /// `vfork`.
        case vfork(child: ThreadReference)
        /// `vforkdone`.
        case vforkDone
        /// `clone`.
        case clone(child: ThreadReference)
        /// `exec`.
        case exec(path: String)
        /// `create`.
        case threadCreated
        /// `library`.
        case library
    }

    /// One register sent along.
    public struct Register: Sendable, Equatable {
        /// Its number in the target description.
        public var number: Int
        /// Its bytes in target order.
        public var bytes: [UInt8]

        /// Builds an entry.
        public init(number: Int, bytes: [UInt8]) {
            self.number = number
            self.bytes = bytes
        }
    }

    /// One key that has no meaning of its own here.
    public struct Note: Sendable, Equatable {
        /// The key.
        public var key: String
        /// What follows the colon.
        public var value: String

        /// Builds a note.
        public init(_ key: String, _ value: String) {
            self.key = key
            self.value = value
        }
    }

    /// The signal's number on this connection.
    public var signal: UInt8
    /// Which thread.
    public var thread: ThreadReference?
    /// The processor it ran on.
    public var core: Int?
    /// Why, beyond the signal.
    public var cause: Cause?
    /// Registers sent along.
    public var registers: [Register]
    /// All other keys in order.
    public var notes: [Note]

    /// Builds a stop.
    public init(
        signal: UInt8,
        thread: ThreadReference? = nil,
        core: Int? = nil,
        cause: Cause? = nil,
        registers: [Register] = [],
        notes: [Note] = []
    ) {
        self.signal = signal
        self.thread = thread
        self.core = core
        self.cause = cause
        self.registers = registers
        self.notes = notes
    }
}

// MARK: - Writing

extension StopReply {
    /// The payload.
    public var payload: [UInt8] {
        var payload: [UInt8] = []
        switch self {
        case .stopped(let stop): return stop.payload
        case .exited(let status, let process):
            payload.append(text: "W")
            payload.append(hexByte: status)
            StopReply.append(process, to: &payload)
        case .terminated(let signal, let process):
            payload.append(text: "X")
            payload.append(hexByte: signal)
            StopReply.append(process, to: &payload)
        case .threadExited(let status, let thread):
            payload.append(text: "w\(Hex.text(status));\(thread.text)")
        case .noneResumed: payload.append(text: "N")
        case .output(let bytes):
            payload.append(text: "O")
            payload.append(hexBytes: bytes)
        case .hostCall(let call):
            payload.append(text: "F")
            payload += call
        }
        return payload
    }

    private static func append(_ process: ProcessID?, to payload: inout [UInt8]) {
        guard let process else { return }
        payload.append(text: ";process:")
        payload.append(hex: process.rawValue)
    }
}

extension ThreadStop {
    fileprivate var payload: [UInt8] {
        var payload = [UInt8(ascii: "T")]
        payload.append(hexByte: signal)
        if let cause { payload.append(text: cause.text + ";") }
        if let thread { payload.append(text: "thread:\(thread.text);") }
        if let core { payload.append(text: "core:\(Hex.text(UInt64(core)));") }
        for register in registers {
            if register.number < 16 { payload.append(text: "0") }
            payload.append(hex: register.number)
            payload.append(text: ":")
            payload.append(hexBytes: register.bytes)
            payload.append(text: ";")
        }
        for note in notes { payload.append(text: "\(note.key):\(note.value);") }
        return payload
    }
}

extension ThreadStop.Cause {
    /// The key and its value.
    fileprivate var text: String {
        switch self {
        case .softwareBreakpoint: "swbreak:"
        case .hardwareBreakpoint: "hwbreak:"
        case .watchpoint(let access, let address): "\(access.key):\(Hex.text(address.rawValue))"
        case .syscallEntry(let number): "syscall_entry:\(Hex.text(number))"
        case .syscallReturn(let number): "syscall_return:\(Hex.text(number))"
        case .fork(let child): "fork:\(child.text)"
        case .vfork(let child): "vfork:\(child.text)"
        case .vforkDone: "vforkdone:"
        case .clone(let child): "clone:\(child.text)"
        case .exec(let path):
            "exec:" + String(decoding: Hex.encode(path.utf8), as: UTF8.self)
        case .threadCreated: "create:"
        case .library: "library:"
        }
    }
}

extension WatchAccess {
    fileprivate var key: String {
        switch self {
        case .write: "watch"
        case .read: "rwatch"
        case .access: "awatch"
        }
    }
}

// MARK: - Reading

extension StopReply {
    /// Reads a payload; nil when it is not a stop reply.
    public init?(payload: [UInt8]) {
        var reader = PayloadReader(payload)
        guard let kind = reader.byte() else { return nil }
        guard let read = StopReply.readers.first(where: { $0.kind == kind })?.read,
            let reply = read(&reader)
        else { return nil }
        self = reply
    }

    private typealias Reader = (inout PayloadReader) -> StopReply?

    private static var readers: [(kind: UInt8, read: Reader)] {
        [
            (UInt8(ascii: "T"), { ThreadStop(reading: &$0).map { .stopped($0) } }),
            (UInt8(ascii: "S"), { ThreadStop(reading: &$0).map { .stopped($0) } }),
            (UInt8(ascii: "W"), readExit),
            (UInt8(ascii: "X"), readTermination),
            (UInt8(ascii: "w"), readThreadExit),
            (UInt8(ascii: "N"), { _ in .noneResumed }),
            (UInt8(ascii: "O"), { $0.hexBytes().map { .output($0) } }),
            (UInt8(ascii: "F"), { .hostCall(Array($0.remainder())) }),
        ]
    }

    private static func readExit(_ reader: inout PayloadReader) -> StopReply? {
        // Stubs write the status with as many digits as it takes.
        guard let status = Hex.number(reader.field(endingAt: ";")) else { return nil }
        return .exited(status: UInt8(truncatingIfNeeded: status), process: readProcess(&reader))
    }

    private static func readTermination(_ reader: inout PayloadReader) -> StopReply? {
        guard let signal = Hex.number(reader.field(endingAt: ";")) else { return nil }
        return .terminated(
            signal: UInt8(truncatingIfNeeded: signal),
            process: readProcess(&reader)
        )
    }

    private static func readProcess(_ reader: inout PayloadReader) -> ProcessID? {
        guard reader.skip("process:"), let number = reader.hexNumber() else { return nil }
        return ProcessID(wireNumber: number)
    }

    private static func readThreadExit(_ reader: inout PayloadReader) -> StopReply? {
        guard let status = Hex.number(reader.field(endingAt: ";")),
            let thread = ThreadReference(reading: &reader)
        else { return nil }
        return .threadExited(status: status, thread)
    }
}

extension ThreadStop {
    /// Reads what follows the `T` or `S`.
    fileprivate init?(reading reader: inout PayloadReader) {
        guard let digits = reader.take(2), let signal = Hex.number(digits) else { return nil }
        self.init(signal: UInt8(signal))
        while !reader.isAtEnd {
            let field = reader.field(endingAt: ";")
            guard !field.isEmpty else { continue }
            guard let colon = field.firstIndex(of: UInt8(ascii: ":")) else { return nil }
            guard take(key: field[..<colon], value: field[(colon + 1)...]) else { return nil }
        }
    }

    private mutating func take(key: ArraySlice<UInt8>, value: ArraySlice<UInt8>) -> Bool {
        if let number = Hex.number(key) {
            // Some stubs send `xx` for a register that cannot be read.
            if let bytes = Hex.decode(value), number <= UInt16.max {
                registers.append(Register(number: Int(number), bytes: bytes))
            }
            return true
        }
        let name = String(decoding: key, as: UTF8.self)
        switch name {
        case "thread":
            thread = ThreadReference(value)
            return thread != nil
        case "core":
            core = Hex.number(value).flatMap { Int(exactly: $0) }
        default:
            if let known = Cause(key: name, value: value) {
                cause = known
            } else {
                notes.append(Note(name, String(decoding: value, as: UTF8.self)))
            }
        }
        return true
    }
}

extension ThreadStop {
    /// What lldb-server's watchpoint watches: it says so in words, `reason:watchpoint` and a description in
    /// hexadecimal whose first word is the address in decimal.
    public var watchedAddress: TargetAddress? {
        guard notes.contains(where: { $0.key == "reason" && $0.value == "watchpoint" }),
            let text = notes.first(where: { $0.key == "description" })?.value,
            let bytes = Hex.decode(text.utf8),
            let word = bytes.split(separator: UInt8(ascii: " ")).first,
            let number = UInt64(String(decoding: word, as: UTF8.self))
        else { return nil }
        return TargetAddress(number)
    }
}

extension ThreadStop.Cause {
    fileprivate init?(key: String, value: ArraySlice<UInt8>) {
        let number = Hex.number(value)
        let child = ThreadReference(value)
        let address = number.map { TargetAddress($0) }
        let cause: Self? =
            switch key {
            case "swbreak": .softwareBreakpoint
            case "hwbreak": .hardwareBreakpoint
            case "watch": address.map { .watchpoint(.write, $0) }
            case "rwatch": address.map { .watchpoint(.read, $0) }
            case "awatch": address.map { .watchpoint(.access, $0) }
            case "syscall_entry": number.map { .syscallEntry($0) }
            case "syscall_return": number.map { .syscallReturn($0) }
            case "fork": child.map { .fork(child: $0) }
            case "vfork": child.map { .vfork(child: $0) }
            case "vforkdone": .vforkDone
            case "clone": child.map { .clone(child: $0) }
            case "exec":
                Hex.decode(value).map { .exec(path: String(decoding: $0, as: UTF8.self)) }
            case "create": .threadCreated
            case "library": .library
            default: nil
            }
        guard let cause else { return nil }
        self = cause
    }
}
