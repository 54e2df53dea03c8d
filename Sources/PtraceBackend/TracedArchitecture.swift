internal import DebugTarget
internal import LinuxSystem

/// Everything a processor family does in its own way; one folder each.
///
/// Values of these types belong to one process (they know which register sets its threads have). All
/// calls are about threads that stand at a ptrace stop.
protocol TracedArchitecture {
    /// Looks at a thread to see what its process has.
    init(probing thread: Int32) throws(SystemError)

    /// The trap instruction.
    var trapInstruction: [UInt8] { get }
    /// How far behind the trap instruction's address the program counter stands after it.
    var trapAdvance: UInt64 { get }

    /// What raised a SIGTRAP with that si_code; nil when another process sent it.
    func trapCause(code: Int32) -> TrapCause?

    /// Whether these bytes begin with a system call instruction, which may wait for other threads.
    func entersKernel(_ instruction: [UInt8]) -> Bool

    /// The registers of the process's threads.
    var description: TargetDescription { get }

    /// All registers of a thread.
    func registers(of thread: Int32) throws(SystemError) -> RegisterBlock
    /// Stores those registers of a thread that differ from what they were.
    func setRegisters(
        _ block: RegisterBlock,
        replacing old: RegisterBlock,
        of thread: Int32
    ) throws(SystemError)

    /// The program counter of a thread.
    func programCounter(of thread: Int32) throws(SystemError) -> TargetAddress
    /// Moves the program counter of a thread.
    func setProgramCounter(_ address: TargetAddress, of thread: Int32) throws(SystemError)

    /// What the processor family is called.
    static var family: Architecture { get }

    /// The instruction that enters the kernel.
    var systemCallInstruction: [UInt8] { get }
    /// The number of mmap(2).
    var mapCallNumber: UInt64 { get }
    /// The number of munmap(2).
    var unmapCallNumber: UInt64 { get }
    /// Everything that a system call changes in a thread.
    func callState(of thread: Int32) throws(SystemError) -> [UInt8]
    /// Puts it back.
    func restoreCallState(_ state: [UInt8], of thread: Int32) throws(SystemError)
    /// Leads a thread to a system call instruction.
    func enterSystemCall(
        _ call: InjectedCall,
        at address: TargetAddress,
        of thread: Int32
    ) throws(SystemError)
    /// What the call returned.
    func systemCallResult(of thread: Int32) throws(SystemError) -> UInt64

    /// The number of the system call that a thread stands in.
    func systemCallNumber(of thread: Int32) throws(SystemError) -> Int
    /// A register of up to 64 bits from what `callState` gave; nil for one that is not in there.
    func value(ofRegister number: Int, in state: [UInt8]) -> UInt64?

    /// How many watchpoints there is room for.
    var watchpointCountMax: Int { get }
    /// Finds room for hardware breakpoints and watchpoints.
    func planHardware(_ breakpoints: [Breakpoint]) throws(TargetError) -> HardwarePlan
    /// Puts a plan into force for a thread.
    func apply(_ plan: HardwarePlan, to thread: Int32) throws(SystemError)
    /// Which breakpoint of the plan stopped a thread, if one did; the processor's note of it is cleared.
    func takeHardwareHit(of plan: HardwarePlan, thread: Int32) throws(SystemError) -> StopReason?
}

/// What raised a SIGTRAP.
enum TrapCause {
    /// A trap instruction was executed.
    case instruction
    /// A step ended, or a debug register hit.
    case processor
}

/// Values for an architecture's debug registers and what each stands for.
struct HardwarePlan: Equatable {
    /// One debug address register in use.
    struct Slot: Equatable {
        /// What it watches.
        var address: TargetAddress
        /// How many bytes.
        var length: Int
        /// The breakpoint it serves (the first, where several share it).
        var kind: Breakpoint.Kind
    }

    /// In the order of the registers.
    var slots: [Slot] = []
}

#if arch(x86_64)
    typealias NativeArchitecture = X86
#else
    #error("arm64 will stand here in the same shape: Sources/PtraceBackend/arm64")
#endif
