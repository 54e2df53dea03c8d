import CElfutils

/// Evaluates locations in one frame of a function.
struct FrameEvaluator {
    /// How many values one evaluation asks callers for, directly or through their callers.
    static let callersMax = 256

    /// What is left of `callersMax`; shared by an evaluation and those it causes in callers.
    final class Allowance {
        var callers = FrameEvaluator.callersMax
    }

    let module: ModuleSymbols
    let frame: FrameContext
    /// The frame's place in the module, without the load bias.
    let address: UInt64
    /// The function the frame belongs to; nil for variables outside functions.
    let function: DebugEntry?
    var allowance: Allowance?

    var reader: LocationReader {
        LocationReader(registers: frame.registers, memory: frame.memory)
    }

    /// Where the value of an attribute such as `DW_AT_location` is at this place in the code.
    func location(_ attribute: Dwarf_Attribute, initial: UInt64? = nil) -> Location? {
        var attribute = attribute
        var operations: UnsafeMutablePointer<Dwarf_Op>?
        var count = 0
        guard dwarf_getlocation_addr(&attribute, address, &operations, &count, 1) > 0 else {
            return nil
        }
        let list = UnsafeBufferPointer(start: operations, count: count)
        return machine(attribute).location(of: list, initial: initial)
    }

    /// The number that an attribute's expression gives.
    func value(_ attribute: Dwarf_Attribute) -> UInt64? {
        var attribute = attribute
        var operations: UnsafeMutablePointer<Dwarf_Op>?
        var count = 0
        guard dwarf_getlocation_addr(&attribute, address, &operations, &count, 1) > 0 else {
            return nil
        }
        return machine(attribute).value(of: UnsafeBufferPointer(start: operations, count: count))
    }

    private func machine(_ attribute: Dwarf_Attribute) -> ExpressionMachine {
        var machine = ExpressionMachine(
            registers: frame.registers,
            bias: frame.bias,
            memory: frame.memory
        )
        machine.attribute = attribute
        machine.wordBytes = module.wordBytes
        machine.threadLocalBase = frame.threadLocalBase
        machine.frameBase = { frameBase }
        machine.frameAddress = { frameAddress }
        let allowance = allowance ?? Allowance()
        machine.entryValue = { entryValue(of: $0, allowance) }
        return machine
    }

    private var frameAddress: UInt64? {
        module.canonicalFrameAddress(of: frame.registers, bias: frame.bias, memory: frame.memory)
    }

    private var frameBase: UInt64? {
        guard let attribute = function?.inherited(DW_AT_frame_base) else { return nil }
        // A frame base that is relative to the frame base would go round in circles.
        let base = FrameEvaluator(module: module, frame: frame, address: address, function: nil)
        switch base.location(attribute) {
        case .memory(let address), .value(let address): return address
        case .register(let number): return frame.registers[number]
        default: return nil
        }
    }
}

// MARK: - Values at the function's entry

extension FrameEvaluator {
    /// What a register held when the function was entered, which the caller's call site may say.
    private func entryValue(of register: Int, _ allowance: Allowance) -> UInt64? {
        allowance.callers -= 1
        guard allowance.callers >= 0, let function,
            let caller = module.unwind(frame.registers, bias: frame.bias, memory: frame.memory),
            caller.pcIsReturnAddress
        else { return nil }
        let (home, bias) = frame.module?(caller.lookupAddress) ?? (module, frame.bias)
        let place = caller.lookupAddress &- bias
        guard let (_, calling) = home.debugData?.function(at: place),
            let site = CallSite(in: calling, returningTo: caller.pc &- bias)
        else { return nil }
        var context = frame
        context.registers = caller
        context.bias = bias
        let evaluator = FrameEvaluator(
            module: home,
            frame: context,
            address: place,
            function: calling,
            allowance: allowance
        )
        guard site.calls(function, bias: frame.bias, evaluator) else { return nil }
        return site.value(of: register).flatMap(evaluator.value)
    }
}

/// What a caller's DWARF says of one call (`DW_TAG_call_site`; before DWARF 5, GCC's own tag).
struct CallSite {
    private let entry: DebugEntry

    /// The call in a function after which execution goes on at an address.
    init?(in function: DebugEntry, returningTo address: UInt64) {
        var visits = FunctionMap.visitsMax
        guard let found = Self.find(below: function, address, depth: 0, &visits) else { return nil }
        entry = found
    }

    private static func find(
        below parent: DebugEntry,
        _ address: UInt64,
        depth: Int,
        _ visits: inout Int
    ) -> DebugEntry? {
        guard depth < FunctionMap.depthMax else { return nil }
        for child in parent.children {
            visits -= 1
            guard visits > 0 else { return nil }
            switch child.tag {
            case DW_TAG_call_site where child.address(DW_AT_call_return_pc) == address,
                DW_TAG_GNU_call_site where child.address(DW_AT_low_pc) == address:
                return child
            case DW_TAG_lexical_block, DW_TAG_inlined_subroutine:
                if let found = find(below: child, address, depth: depth + 1, &visits) {
                    return found
                }
            default: break
            }
        }
        return nil
    }

    /// Whether the call goes to the function, and not to one that went on to it by a tail call.
    ///
    /// - Parameter bias: that of the function's module.
    func calls(_ function: DebugEntry, bias: UInt64, _ evaluator: FrameEvaluator) -> Bool {
        let target =
            entry.reference(DW_AT_call_origin)
            ?? (entry.tag == DW_TAG_GNU_call_site ? entry.reference(DW_AT_abstract_origin) : nil)
        let callee = function.origin
        if let target = target?.origin {
            if target.identity == callee.identity { return true }
            let isVisible = callee.flag(DW_AT_external) && target.flag(DW_AT_external)
            return isVisible && target.name == callee.name
                && target.linkageName == callee.linkageName
        }
        guard
            let attribute = entry.attribute(DW_AT_call_target)
                ?? entry.attribute(DW_AT_GNU_call_site_target),
            let address = evaluator.value(attribute), let start = function.lowestAddress
        else { return false }
        return address == start &+ bias
    }

    /// The expression for what a register holds at the call.
    func value(of register: Int) -> Dwarf_Attribute? {
        for child in entry.children
        where child.tag == DW_TAG_call_site_parameter
            || child.tag == DW_TAG_GNU_call_site_parameter
        {
            guard var place = child.attribute(DW_AT_location) else { continue }
            var operations: UnsafeMutablePointer<Dwarf_Op>?
            var count = 0
            guard dwarf_getlocation(&place, &operations, &count) == 0, count == 1,
                let first = operations?.pointee
            else { continue }
            let code = Int(first.atom)
            let number = code == DW_OP_regx ? Int(clamping: first.number) : code - DW_OP_reg0
            guard code == DW_OP_regx || (DW_OP_reg0...DW_OP_reg31).contains(code),
                number == register
            else { continue }
            return child.attribute(DW_AT_call_value)
                ?? child.attribute(DW_AT_GNU_call_site_value)
        }
        return nil
    }
}
