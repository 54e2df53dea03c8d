import DebugEngine
import DebugTarget

/// A target that exists only in memory: two threads, a page of bytes, events as the test queues them.
final class ScriptedTarget: DebugTarget {
    static let process = ProcessID(0x722c)
    static let base: UInt64 = 0x7fff_ffff_e000

    private(set) var processes: [ProcessID] = []
    var memory = [UInt8](repeating: 0, count: 4096)
    var threadNames = ["main", "worker"]
    var events: [TargetEvent] = []
    private(set) var inserted: Set<Breakpoint> = []
    private(set) var resumed: [[ResumeAction]] = []
    private(set) var isKilled = false
    private var common: RegisterBlock
    private var own: [ThreadID: RegisterBlock] = [:]
    let description: TargetDescription

    init() {
        var registers: [RegisterDescription] = []
        let names =
            ["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp"] + (8...15).map { "r\($0)" }
            + ["rip", "eflags", "cs", "ss", "ds", "es", "fs", "gs", "xmm0"]
        let roles: [String: RegisterDescription.Role] = [
            "rip": .programCounter, "rsp": .stackPointer, "rbp": .framePointer, "eflags": .flags,
        ]
        for name in names {
            let bits = name == "xmm0" ? 128 : name.count == 2 && name.hasSuffix("s") ? 32 : 64
            let width = name == "eflags" ? 32 : bits
            registers.append(
                RegisterDescription(
                    name: name,
                    number: registers.count,
                    bitSize: width,
                    offset: registers.last.map { $0.offset + $0.byteCount } ?? 0,
                    type: "int",
                    feature: "core",
                    role: roles[name]
                )
            )
        }
        description = TargetDescription(architecture: .x86_64, registers: registers)
        common = RegisterBlock(bytes: [UInt8](repeating: 0, count: description.blockByteCount))
    }

    /// Sets a register of one thread, or of all that have none of their own.
    func set(_ name: String, _ value: UInt64, of thread: ThreadID? = nil) {
        guard let register = description.register(named: name) else { return }
        if let thread {
            var block = own[thread] ?? common
            block.set(value, of: register)
            own[thread] = block
        } else {
            common.set(value, of: register)
        }
    }

    func attach(to process: ProcessID) throws(TargetError) -> ThreadID {
        processes = [process]
        return ThreadID(process, Int64(process.rawValue))
    }

    func launch(_ request: LaunchRequest) throws(TargetError) -> ThreadID {
        try attach(to: Self.process)
    }

    func detach(from process: ProcessID) throws(TargetError) {
        processes.removeAll { $0 == process }
    }

    func kill(_ process: ProcessID) throws(TargetError) {
        isKilled = true
        processes.removeAll { $0 == process }
    }

    func threads(of process: ProcessID) throws(TargetError) -> [ThreadSummary] {
        threadNames.enumerated().map { index, name in
            ThreadSummary(
                thread: ThreadID(process, Int64(process.rawValue) + Int64(index)),
                name: name
            )
        }
    }

    func targetDescription(of process: ProcessID) throws(TargetError) -> TargetDescription {
        description
    }

    func registers(of thread: ThreadID) throws(TargetError) -> RegisterBlock {
        own[thread] ?? common
    }

    func setRegisters(_ block: RegisterBlock, of thread: ThreadID) throws(TargetError) {
        own[thread] = block
    }

    func readMemory(
        at address: TargetAddress,
        count: Int,
        in process: ProcessID
    ) throws(TargetError) -> [UInt8] {
        let offset = address.rawValue &- Self.base
        guard offset < UInt64(memory.count) else {
            throw TargetError(.badAddress, "no memory at \(address)")
        }
        return Array(memory[Int(offset)...].prefix(count))
    }

    func writeMemory(
        _ bytes: [UInt8],
        at address: TargetAddress,
        in process: ProcessID
    ) throws(TargetError) {
        let offset = address.rawValue &- Self.base
        guard offset < UInt64(memory.count), Int(offset) + bytes.count <= memory.count else {
            throw TargetError(.badAddress, "no memory at \(address)")
        }
        memory.replaceSubrange(Int(offset)..<(Int(offset) + bytes.count), with: bytes)
    }

    func insertBreakpoint(
        _ breakpoint: Breakpoint,
        in process: ProcessID
    ) throws(TargetError) {
        inserted.insert(breakpoint)
    }

    func removeBreakpoint(
        _ breakpoint: Breakpoint,
        in process: ProcessID
    ) throws(TargetError) {
        inserted.remove(breakpoint)
    }

    func resume(_ actions: [ResumeAction]) throws(TargetError) {
        resumed.append(actions)
    }

    /// What interrupts meet, in turn; then they take effect.
    var interruptsMeet: [StopReason] = []
    private(set) var interruptCount = 0

    func interrupt() throws(TargetError) {
        interruptCount += 1
        let reason = interruptsMeet.isEmpty ? .interrupted : interruptsMeet.removeFirst()
        events.append(.stopped(ThreadID(Self.process, 0x722c), reason))
    }

    func nextEvent() throws(TargetError) -> TargetEvent? {
        guard !events.isEmpty else { return nil }
        let event = events.removeFirst()
        if case .stopped(let thread, .breakpoint(let address)) = event {
            set("rip", address.rawValue, of: thread)
        }
        if case .exited(let process, _) = event { processes.removeAll { $0 == process } }
        return event
    }

    var eventDescriptor: Int32 { -1 }
}

/// A host that collects output; a wait without events is the user's Ctrl+C.
final class ScriptedHost: EngineHost {
    let captured = CapturedOutput()
    var output: any OutputSink { captured }
    let files: any ClientFiles = NoFiles()
    var interruptsNext = false
    /// How many questions are answered with no before the user presses Ctrl+C for good.
    var interruptsAfter: Int?

    func wait(for descriptor: Int32) -> WaitOutcome { .interrupted }

    func takeInterrupt() -> Bool {
        if let left = interruptsAfter {
            interruptsAfter = left - 1
            return left <= 0
        }
        defer { interruptsNext = false }
        return interruptsNext
    }
}

final class NoFiles: ClientFiles {
    func read(_ path: String, at offset: UInt64, count: Int) -> [UInt8]? { nil }
    func cachedModule(buildID: String, name: String) -> String? { nil }
    func storeModule(buildID: String, name: String, contents: () -> [UInt8]?) -> String? { nil }
    func discardModule(_ path: String) {}
}
