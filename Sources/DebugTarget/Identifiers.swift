/// A process of the machine being debugged, as its kernel numbers it.
public struct ProcessID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The kernel's process id, 1 or more.
    public var rawValue: Int32

    /// Wraps a process id.
    public init(_ rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// The id in decimal.
    public var description: String { "\(rawValue)" }

    /// Orders by number.
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// A thread of one process.
///
/// The number is 64 bits wide and signed because stubs other than ours name processors by it
/// (kgdb's shadow CPUs are -2, -3, …).
public struct ThreadID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The process the thread belongs to.
    public var process: ProcessID
    /// The kernel's thread id (tid); equal to the process id in the first thread.
    public var number: Int64

    /// Names a thread by its process and its kernel thread id.
    public init(_ process: ProcessID, _ number: Int64) {
        self.process = process
        self.number = number
    }

    /// `process.thread` in decimal.
    public var description: String { "\(process).\(number)" }

    /// Orders by process, then by thread number.
    public static func < (left: Self, right: Self) -> Bool {
        (left.process, left.number) < (right.process, right.number)
    }
}

/// An address in a debuggee's memory; never a pointer of ours.
public struct TargetAddress: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The address as a number.
    public var rawValue: UInt64

    /// Wraps an address.
    public init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// `0x` and the address in hexadecimal.
    public var description: String { "0x" + String(rawValue, radix: 16) }

    /// Orders by number, unsigned.
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    /// The address `offset` bytes further on, wrapping at 2^64 as the processor does.
    public static func + (base: Self, offset: UInt64) -> Self { Self(base.rawValue &+ offset) }

    /// The address `offset` bytes before, wrapping at 2^64 as the processor does.
    public static func - (base: Self, offset: UInt64) -> Self { Self(base.rawValue &- offset) }

    /// How many bytes lie from `right` up to `left`, wrapping.
    public static func - (left: Self, right: Self) -> UInt64 { left.rawValue &- right.rawValue }
}

/// A signal by its Linux number (signal(7)); `GDBRemoteProtocol` translates to gdb's numbers.
public struct Signal: Hashable, Sendable {
    /// The number on the debuggee's architecture: 1–64 on Linux.
    public var rawValue: Int32

    /// Wraps a Linux signal number.
    public init(_ rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// SIGINT, 2.
    public static let interrupt = Signal(2)
    /// SIGTRAP, 5.
    public static let trap = Signal(5)
    /// SIGKILL, 9.
    public static let kill = Signal(9)
    /// SIGCONT, 18.
    public static let proceed = Signal(18)
    /// SIGSTOP, 19.
    public static let stop = Signal(19)
}
