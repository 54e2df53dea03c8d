internal import CLinuxShims
internal import Glibc

/// ptrace(2), one function a request; each must be called by the thread that attached.
public enum Ptrace {
    /// Which events stop a tracee (`PTRACE_O_…`).
    public struct Options: OptionSet, Sendable {
        /// The kernel's bits.
        public var rawValue: UInt

        /// Wraps the kernel's bits.
        public init(rawValue: UInt) {
            self.rawValue = rawValue
        }

        /// System call stops are told from others by bit 7 of the signal.
        public static let markSystemCalls = Options(rawValue: 0x1)
        /// fork(2).
        public static let fork = Options(rawValue: 0x2)
        /// vfork(2).
        public static let vfork = Options(rawValue: 0x4)
        /// clone(2), a new thread.
        public static let clone = Options(rawValue: 0x8)
        /// execve(2).
        public static let exec = Options(rawValue: 0x10)
        /// A vfork child has left its parent's memory.
        public static let vforkDone = Options(rawValue: 0x20)
        /// A thread is about to end.
        public static let exit = Options(rawValue: 0x40)
        /// The tracee is killed when the tracer ends.
        public static let exitKill = Options(rawValue: 0x100000)
    }

    /// What a resumed tracee does.
    public enum Resumption: Int, Sendable {
        /// `PTRACE_CONT`.
        case run = 7
        /// `PTRACE_SINGLESTEP`.
        case step = 9
        /// `PTRACE_SYSCALL`.
        case toSystemCall = 24
    }

    private static func call(
        _ request: Int,
        _ name: StaticString,
        _ thread: Int32,
        address: UInt = 0,
        data: UInt = 0
    ) throws(SystemError) {
        guard clinux_ptrace(request, thread, address, data) >= 0 else {
            throw SystemError("ptrace(\(name))", "thread \(thread)")
        }
    }

    /// Attaches to a thread without stopping it.
    public static func seize(_ thread: Int32, options: Options) throws(SystemError) {
        try call(0x4206, "PTRACE_SEIZE", thread, data: options.rawValue)
    }

    /// Asks a thread to stop; a `PTRACE_EVENT_STOP` follows unless it stops for something else.
    public static func interrupt(_ thread: Int32) throws(SystemError) {
        try call(0x4207, "PTRACE_INTERRUPT", thread)
    }

    /// Leaves a thread in its group stop, but tells of what becomes of that.
    public static func listen(_ thread: Int32) throws(SystemError) {
        try call(0x4208, "PTRACE_LISTEN", thread)
    }

    /// Changes what stops a stopped thread.
    public static func setOptions(_ thread: Int32, _ options: Options) throws(SystemError) {
        try call(0x4200, "PTRACE_SETOPTIONS", thread, data: options.rawValue)
    }

    /// What an event is about: the new thread, the former id, the exit status.
    public static func eventMessage(_ thread: Int32) throws(SystemError) -> UInt {
        var message: UInt = 0
        try withUnsafeMutablePointer(to: &message) { pointer throws(SystemError) in
            let address = UInt(bitPattern: pointer)
            try call(0x4201, "PTRACE_GETEVENTMSG", thread, data: address)
        }
        return message
    }

    /// Sets a stopped thread going, with a signal or none (0).
    public static func resume(
        _ thread: Int32,
        _ how: Resumption,
        signal: Int32
    ) throws(SystemError) {
        try call(how.rawValue, "PTRACE_CONT", thread, data: UInt(signal))
    }

    /// Lets go of a stopped thread, with a signal or none (0).
    public static func detach(_ thread: Int32, signal: Int32) throws(SystemError) {
        try call(17, "PTRACE_DETACH", thread, data: UInt(signal))
    }

    /// How many bytes a `siginfo_t` has.
    public static let signalInformationByteCount = 128

    /// The `siginfo_t` of a signal stop; EINVAL in a group stop.
    public static func signalInformation(_ thread: Int32) throws(SystemError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: signalInformationByteCount)
        let answer = bytes.withUnsafeMutableBytes { buffer in
            clinux_ptrace(0x4202, thread, 0, UInt(bitPattern: buffer.baseAddress))
        }
        guard answer >= 0 else {
            throw SystemError("ptrace(PTRACE_GETSIGINFO)", "thread \(thread)")
        }
        return bytes
    }

    /// Replaces the `siginfo_t` of a signal stop.
    public static func setSignalInformation(
        _ thread: Int32,
        _ bytes: [UInt8]
    ) throws(SystemError) {
        precondition(bytes.count == signalInformationByteCount, "siginfo_t has 128 bytes")
        let answer = bytes.withUnsafeBytes { buffer in
            clinux_ptrace(0x4203, thread, 0, UInt(bitPattern: buffer.baseAddress))
        }
        guard answer >= 0 else {
            throw SystemError("ptrace(PTRACE_SETSIGINFO)", "thread \(thread)")
        }
    }

    /// The `siginfo_t`s of signals that wait in a stopped thread's own queue.
    public static func pendingSignals(_ thread: Int32, maximum: Int) -> [[UInt8]] {
        // struct ptrace_peeksiginfo_args: offset, flags (0 for the thread's own queue), count.
        var arguments: [UInt64] = [0, UInt64(UInt32(maximum)) << 32]
        var bytes = [UInt8](repeating: 0, count: maximum * signalInformationByteCount)
        let count = arguments.withUnsafeMutableBytes { request in
            bytes.withUnsafeMutableBytes { buffer in
                clinux_ptrace(
                    0x4209,
                    thread,
                    UInt(bitPattern: request.baseAddress),
                    UInt(bitPattern: buffer.baseAddress)
                )
            }
        }
        return (0..<max(count, 0)).map { index in
            let start = index * signalInformationByteCount
            return Array(bytes[start..<(start + signalInformationByteCount)])
        }
    }

    /// Whether a thread that stands at a system call stop enters the call; it leaves it otherwise.
    public static func entersSystemCall(_ thread: Int32) throws(SystemError) -> Bool {
        // struct ptrace_syscall_info: the first byte is 1 at the entry, 2 at the return.
        var information = [UInt8](repeating: 0, count: 88)
        let size = UInt(information.count)
        let answer = information.withUnsafeMutableBytes { buffer in
            clinux_ptrace(0x420e, thread, size, UInt(bitPattern: buffer.baseAddress))
        }
        guard answer > 0 else {
            throw SystemError("ptrace(PTRACE_GET_SYSCALL_INFO)", "thread \(thread)")
        }
        return information[0] == 1
    }

    /// Reads a register set (`NT_…`) of a stopped thread, `maximum` bytes at most.
    public static func registerSet(
        _ thread: Int32,
        type: UInt32,
        maximum: Int
    ) throws(SystemError) -> [UInt8] {
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: maximum) { buffer, count in
            let taken = clinux_get_register_set(thread, type, buffer.baseAddress, maximum)
            if taken < 0 { failure = errno }
            count = max(taken, 0)
        }
        guard failure == 0 else {
            throw SystemError("ptrace(PTRACE_GETREGSET)", "thread \(thread)", errorNumber: failure)
        }
        return bytes
    }

    /// Replaces a register set of a stopped thread.
    public static func setRegisterSet(
        _ thread: Int32,
        type: UInt32,
        _ bytes: [UInt8]
    ) throws(SystemError) {
        let answer = bytes.withUnsafeBytes { buffer in
            clinux_set_register_set(thread, type, buffer.baseAddress, buffer.count)
        }
        guard answer >= 0 else {
            throw SystemError("ptrace(PTRACE_SETREGSET)", "thread \(thread)")
        }
    }

    /// Reads a word of a stopped thread's memory.
    public static func word(_ thread: Int32, at address: UInt) throws(SystemError) -> UInt {
        var value: UInt = 0
        try withUnsafeMutablePointer(to: &value) { pointer throws(SystemError) in
            try call(
                2,
                "PTRACE_PEEKDATA",
                thread,
                address: address,
                data: UInt(bitPattern: pointer)
            )
        }
        return value
    }

    /// Writes a word to a stopped thread's memory, read-only pages included.
    public static func setWord(
        _ thread: Int32,
        at address: UInt,
        _ value: UInt
    ) throws(SystemError) {
        try call(5, "PTRACE_POKEDATA", thread, address: address, data: value)
    }

    /// Reads a debug register (x86) of a stopped thread.
    public static func debugRegister(_ thread: Int32, _ index: Int) throws(SystemError) -> UInt {
        var value: UInt = 0
        try withUnsafeMutablePointer(to: &value) { pointer throws(SystemError) in
            try call(
                3,
                "PTRACE_PEEKUSER",
                thread,
                address: debugRegisterOffset(index),
                data: UInt(bitPattern: pointer)
            )
        }
        return value
    }

    /// Sets a debug register (x86) of a stopped thread.
    public static func setDebugRegister(
        _ thread: Int32,
        _ index: Int,
        _ value: UInt
    ) throws(SystemError) {
        let offset = debugRegisterOffset(index)
        try call(6, "PTRACE_POKEUSER", thread, address: offset, data: value)
    }

    private static func debugRegisterOffset(_ index: Int) -> UInt {
        clinux_debug_register_offset() + UInt(index * MemoryLayout<UInt>.size)
    }
}

/// CPUID of the machine this runs on: eax, ebx, ecx, edx; zeros where there is none.
public func processorIdentification(leaf: UInt32, subleaf: UInt32) -> [UInt32] {
    var registers: [UInt32] = [0, 0, 0, 0]
    clinux_cpuid(leaf, subleaf, &registers)
    return registers
}
