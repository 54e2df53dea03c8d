public import DebugTarget
internal import GDBRemoteProtocol

// What some stubs can beyond the common: catching system calls, telling of threads, judging conditions, giving memory.

extension RemoteTarget: SystemCallCatching {
    /// Where the stub can.
    public var systemCallCatching: (any SystemCallCatching)? {
        features.supports("QCatchSyscalls") ? self : nil
    }

    /// Chooses the system calls that stop.
    public func catchSystemCalls(
        _ selection: SystemCallSelection,
        in process: ProcessID
    ) throws(TargetError) {
        try select(process)
        let purpose = "choosing the system calls that stop"
        guard try command(CatchRequest(selection).payload, purpose) else {
            throw TargetError(.unsupported, "\(peerName) cannot stop at system calls.")
        }
    }
}

extension RemoteTarget: EventSelection {
    /// Where the stub can be told.
    public var eventSelection: (any EventSelection)? {
        features.supports("QThreadEvents") ? self : nil
    }

    /// Forks are always told of (`qSupported`); threads when they are asked for here.
    public var reportedEvents: Set<OptionalEvent> {
        get { reportsThreads ? [.fork, .vfork, .threads] : [.fork, .vfork] }
        set {
            let wanted = newValue.contains(.threads)
            guard wanted != reportsThreads, !isRunning else { return }
            let packet = SwitchRequest.payload("QThreadEvents:", wanted)
            if (try? command(packet, "telling of threads")) == true { reportsThreads = wanted }
        }
    }
}

extension RemoteTarget: BreakpointConditions {
    /// Where the stub judges conditions.
    public var breakpointConditions: (any BreakpointConditions)? {
        features.supports("ConditionalBreakpoints") ? self : nil
    }

    /// Kept until the breakpoint is planted.
    public func setCondition(
        _ condition: BreakpointCondition?,
        of breakpoint: Breakpoint,
        in process: ProcessID
    ) {
        breakpoints.conditions[process, default: [:]][breakpoint] = condition
    }

    /// What follows the kind of a `Z0` or `Z1`.
    func breakpointOptions(of breakpoint: Breakpoint, in process: ProcessID) -> [UInt8] {
        guard let condition = breakpoints.conditions[process]?[breakpoint],
            breakpoint.kind == .software || breakpoint.kind == .hardware
        else { return [] }
        var options = BreakpointOptions()
        options.conditions = [AgentExpression(condition)]
        return options.bytes
    }
}

extension RemoteTarget: MemoryAllocation {
    /// Where the stub serves lldb's `_M`; only trying tells.
    public var memoryAllocation: (any MemoryAllocation)? {
        missingPackets.contains("_M") ? nil : self
    }

    /// Maps memory into a stopped process.
    public func allocate(
        _ byteCount: UInt64,
        _ permissions: MemoryPermissions,
        by thread: ThreadID
    ) throws(TargetError) -> TargetAddress {
        try select(thread)
        let request = AllocationRequest.allocate(byteCount, permissions)
        let purpose = "allocating memory in the target"
        let reply = try exchange(request.payload, purpose)
        if reply.isEmpty {
            missingPackets.insert("_M")
            throw TargetError(.unsupported, "\(peerName) gives no memory in its processes.")
        }
        guard ErrorReply(payload: reply) == nil, let address = Hex.number(reply[...]) else {
            throw failure(reply, purpose)
        }
        forgetStop()
        return TargetAddress(address)
    }

    /// Unmaps memory that was allocated.
    public func release(_ address: TargetAddress, by thread: ThreadID) throws(TargetError) {
        try select(thread)
        let request = AllocationRequest.release(address)
        guard try command(request.payload, "releasing memory in the target") else {
            throw TargetError(.unsupported, "\(peerName) gives no memory in its processes.")
        }
        forgetStop()
    }
}

extension RemoteTarget: SystemTables {
    /// Where the stub serves `qXfer:osdata`.
    public var systemTables: (any SystemTables)? {
        features.supports("qXfer:osdata:read") ? self : nil
    }

    /// Which there are is not asked: the ones that are wanted are known by name.
    public var tables: [(name: String, title: String, description: String)] { [] }

    /// One table; nil when the stub has none of that name.
    public func table(named name: String) throws(TargetError) -> SystemTable? {
        guard let bytes = try? readObject("osdata", annex: name, "the table \(name)"),
            let root = XMLReader.parse(bytes), root.name == "osdata"
        else { return nil }
        let rows = root.children("item").map { item in
            item.children("column").map {
                SystemTable.Cell($0.attributes["name"] ?? "", $0.text)
            }
        }
        return SystemTable(rows: rows)
    }
}

extension AgentExpression {
    /// The bytecode of a condition.
    init(_ condition: BreakpointCondition) {
        var code: [UInt8] = []
        AgentExpression.append(condition, to: &code)
        code.append(0x27)
        self.init(code)
    }

    private static func append(_ condition: BreakpointCondition, to code: inout [UInt8]) {
        switch condition {
        case .constant(let value):
            code.append(0x25)
            code += (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(56 - 8 * $0)) }
        case .register(let number):
            code.append(0x26)
            code += [UInt8(truncatingIfNeeded: number >> 8), UInt8(truncatingIfNeeded: number)]
        case .memory(let byteCount, let address):
            append(address, to: &code)
            code.append(
                byteCount == 1 ? 0x17 : byteCount == 2 ? 0x18 : byteCount == 4 ? 0x19 : 0x1a
            )
        case .unary(let operation, let value):
            append(value, to: &code)
            code.append(operation == .not ? 0x0e : 0x12)
        case .binary(let operation, let left, let right):
            append(left, to: &code)
            append(right, to: &code)
            code.append(opcode(of: operation))
        }
    }

    private static func opcode(of operation: BreakpointCondition.BinaryOperation) -> UInt8 {
        switch operation {
        case .add: 0x02
        case .subtract: 0x03
        case .multiply: 0x04
        case .divide: 0x06
        case .remainder: 0x08
        case .shiftLeft: 0x09
        case .shiftRightSigned: 0x0a
        case .shiftRight: 0x0b
        case .and: 0x0f
        case .or: 0x10
        case .exclusiveOr: 0x11
        case .equal: 0x13
        case .less: 0x15
        }
    }
}
