public import DebugTarget

/// A thread id as packets have it (the manual's "Packets", thread-id syntax).
///
/// `p1f.2a` with the multiprocess feature, `2a` without; each part may be `-1` for all or `0` for any.
/// `p1f` alone is all threads of that process. A stub may number threads with negative numbers other than
/// -1 (kgdb's processors, sent as eight hex digits).
public struct ThreadReference: Sendable, Hashable {
    /// One part of the id.
    public enum Part: Sendable, Hashable {
        /// `-1`.
        case all
        /// `0`.
        case any
        /// A number.
        case number(Int64)

        init(_ value: Int64) {
            self = value == -1 ? .all : value == 0 ? .any : .number(value)
        }

        /// Kernels number processes from 1 in 31 bits; all and any are fine.
        var canNameProcess: Bool {
            guard case .number(let value) = self else { return true }
            return ProcessID(wireNumber: value) != nil
        }

        var text: String {
            switch self {
            case .all: "-1"
            case .any: "0"
            case .number(let value): String(value, radix: 16)
            }
        }
    }

    /// The process; nil in the classic form.
    public var process: Part?
    /// The thread.
    public var thread: Part

    /// Builds a reference from its parts.
    public init(process: Part?, thread: Part) {
        self.process = process
        self.thread = thread
    }

    /// Names one thread, with its process where the peer understands that.
    public init(_ thread: ThreadID, multiprocess: Bool) {
        process = multiprocess ? .number(Int64(thread.process.rawValue)) : nil
        self.thread = .number(thread.number)
    }

    /// Names all threads of a process.
    public init(allThreadsOf process: ProcessID) {
        self.process = .number(Int64(process.rawValue))
        thread = .all
    }

    /// Every thread of every process.
    public static let all = ThreadReference(process: nil, thread: .all)
    /// Whichever thread the stub likes.
    public static let any = ThreadReference(process: nil, thread: .any)

    /// Reads an id and leaves the reader behind it.
    public init?(reading reader: inout PayloadReader) {
        var ahead = reader
        if ahead.skip("p" as Unicode.Scalar) {
            guard let process = ahead.signedHexNumber().map({ Part($0) }),
                process.canNameProcess
            else { return nil }
            self.process = process
            if ahead.skip("." as Unicode.Scalar) {
                guard let thread = ahead.signedHexNumber() else { return nil }
                self.thread = Part(thread)
            } else {
                thread = .all
            }
        } else {
            guard let thread = ahead.signedHexNumber() else { return nil }
            process = nil
            self.thread = Part(thread)
        }
        reader = ahead
    }

    /// Reads an id that is the whole text.
    public init?(_ text: some Sequence<UInt8>) {
        var reader = PayloadReader(text)
        self.init(reading: &reader)
        guard reader.isAtEnd else { return nil }
    }

    /// The id as it travels.
    public var text: String {
        guard let process else { return thread.text }
        return "p\(process.text).\(thread.text)"
    }

    /// The one thread meant, where both parts are numbers; the classic form takes `assumed`'s process.
    public func threadID(assuming assumed: ProcessID?) -> ThreadID? {
        guard case .number(let thread) = thread, let process = processID(assuming: assumed) else {
            return nil
        }
        return ThreadID(process, thread)
    }

    /// The one process meant, if it is one.
    public func processID(assuming assumed: ProcessID?) -> ProcessID? {
        switch process {
        case nil: assumed
        case .number(let value): ProcessID(wireNumber: value)
        case .all, .any: nil
        }
    }
}

extension ProcessID {
    /// A process as a packet numbers it; nil for what no kernel gives to a process.
    public init?(wireNumber: some BinaryInteger) {
        guard let number = Int32(exactly: wireNumber), number > 0 else { return nil }
        self.init(number)
    }
}
