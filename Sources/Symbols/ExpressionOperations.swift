import CElfutils

/// What each DWARF operation does, as a table.
///
/// libdw has decoded the operands; where one of them refers to other data (an index into
/// `.debug_addr`, a type), libdw is asked for it by the operation and the attribute it stands in.
enum ExpressionOperations {
    /// Changes the state; nil when the expression is wrong or cannot be evaluated here.
    typealias Operation =
        @Sendable (ExpressionMachine, inout ExpressionState, DecodedOperation) -> Void?

    static func operation(_ code: Int) -> Operation? {
        switch code {
        case DW_OP_lit0...DW_OP_lit31:
            { _, state, _ in state.push(UInt64(code - DW_OP_lit0)) }
        case DW_OP_reg0...DW_OP_reg31:
            { _, state, _ in state.pending = .register(code - DW_OP_reg0) }
        case DW_OP_breg0...DW_OP_breg31:
            { machine, state, operation in
                machine.registers[code - DW_OP_breg0].map { state.push($0 &+ operation.number) }
            }
        default: table[code]
        }
    }

    private static let table: [Int: Operation] = [
        constants, registers, stack, unary, binary, comparisons, flow, places, typed,
    ].reduce(into: [:]) { $0.merge($1) { first, _ in first } }

    // MARK: Constants and addresses

    private static let constants: [Int: Operation] = {
        var table: [Int: Operation] = [:]
        for code in [
            DW_OP_const1u, DW_OP_const1s, DW_OP_const2u, DW_OP_const2s, DW_OP_const4u,
            DW_OP_const4s, DW_OP_const8u, DW_OP_const8s, DW_OP_constu, DW_OP_consts,
        ] {
            table[code] = { _, state, operation in state.push(operation.number) }
        }
        table[DW_OP_addr] = { machine, state, operation in
            state.push(operation.number &+ machine.bias)
        }
        for code in [DW_OP_addrx, DW_OP_GNU_addr_index] {
            table[code] = { machine, state, operation in
                guard var attribute = machine.indexed(operation) else { return nil }
                var address: Dwarf_Addr = 0
                guard dwarf_formaddr(&attribute, &address) == 0 else { return nil }
                state.push(address &+ machine.bias)
            }
        }
        for code in [DW_OP_constx, DW_OP_GNU_const_index] {
            table[code] = { machine, state, operation in
                guard var attribute = machine.indexed(operation) else { return nil }
                var value: Dwarf_Word = 0
                guard dwarf_formudata(&attribute, &value) == 0 else { return nil }
                state.push(value)
            }
        }
        return table
    }()

    // MARK: Registers and frames

    private static let registers: [Int: Operation] = [
        DW_OP_regx: { _, state, operation in
            guard let number = Int(exactly: operation.number) else { return nil }
            state.pending = .register(number)
        },
        DW_OP_bregx: { machine, state, operation in
            guard let number = Int(exactly: operation.number) else { return nil }
            return machine.registers[number].map { state.push($0 &+ operation.number2) }
        },
        DW_OP_fbreg: { machine, state, operation in
            machine.frameBase().map { state.push($0 &+ operation.number) }
        },
        DW_OP_call_frame_cfa: { machine, state, _ in machine.frameAddress().map { state.push($0) }
        },
        DW_OP_form_tls_address: threadLocal,
        DW_OP_GNU_push_tls_address: threadLocal,
        DW_OP_entry_value: entryValue,
        DW_OP_GNU_entry_value: entryValue,
    ]

    private static let threadLocal: Operation = { machine, state, _ in
        guard let base = machine.threadLocalBase, let offset = state.pop() else { return nil }
        state.push(base &+ offset)
    }

    private static let entryValue: Operation = { machine, state, operation in
        guard let (register, type) = machine.entryRegister(of: operation) else { return nil }
        return machine.entryValue(register).map {
            state.stack.append(ExpressionValue($0, type: type).normalized)
        }
    }

    // MARK: Stack

    private static let stack: [Int: Operation] = [
        DW_OP_nop: { _, _, _ in () },
        DW_OP_dup: { _, state, _ in state.stack.last.map { state.stack.append($0) } },
        DW_OP_drop: { _, state, _ in state.stack.popLast().map { _ in () } },
        DW_OP_over: { _, state, _ in pick(1, &state) },
        DW_OP_pick: { _, state, operation in pick(operation.number, &state) },
        DW_OP_swap: { _, state, _ in
            guard state.stack.count >= 2 else { return nil }
            state.stack.swapAt(state.stack.count - 1, state.stack.count - 2)
        },
        DW_OP_rot: { _, state, _ in
            guard state.stack.count >= 3, let top = state.stack.popLast() else { return nil }
            state.stack.insert(top, at: state.stack.count - 2)
        },
        DW_OP_deref: { machine, state, _ in
            dereference(UInt64(machine.wordBytes), machine, &state)
        },
        DW_OP_deref_size: { machine, state, operation in
            dereference(operation.number, machine, &state)
        },
    ]

    private static func pick(_ depth: UInt64, _ state: inout ExpressionState) -> Void? {
        guard depth < UInt64(state.stack.count) else { return nil }
        return state.stack.append(state.stack[state.stack.count - 1 - Int(depth)])
    }

    private static func dereference(
        _ count: UInt64,
        _ machine: ExpressionMachine,
        _ state: inout ExpressionState
    ) -> Void? {
        guard count <= 8, let address = state.pop(),
            let value = machine.read(address, count: Int(count))
        else { return nil }
        return state.push(value)
    }

    // MARK: Arithmetic

    private static let unary: [Int: Operation] = [
        DW_OP_abs: apply { Int64(bitPattern: $0).magnitude },
        DW_OP_neg: apply { 0 &- $0 },
        DW_OP_not: apply { ~$0 },
    ].merging([
        DW_OP_plus_uconst: { _, state, operation in
            guard let value = state.stack.popLast() else { return nil }
            state.stack.append(
                ExpressionValue(value.bits &+ operation.number, type: value.type).normalized
            )
        }
    ]) { first, _ in first }

    private static func apply(_ body: @escaping @Sendable (UInt64) -> UInt64) -> Operation {
        { _, state, _ in
            guard let value = state.stack.popLast(), value.type?.isFloat != true else { return nil }
            state.stack.append(ExpressionValue(body(value.bits), type: value.type).normalized)
        }
    }

    private static let binary: [Int: Operation] = [
        DW_OP_and: combine { $0 & $1 },
        DW_OP_or: combine { $0 | $1 },
        DW_OP_xor: combine { $0 ^ $1 },
        DW_OP_plus: combine(floats: +) { $0 &+ $1 },
        DW_OP_minus: combine(floats: -) { $0 &- $1 },
        DW_OP_mul: combine(floats: *) { $0 &* $1 },
        DW_OP_shl: combine { $1 < 64 ? $0 << $1 : 0 },
        DW_OP_shr: combine { $1 < 64 ? $0 >> $1 : 0 },
        DW_OP_shra: combine { UInt64(bitPattern: Int64(bitPattern: $0) >> Int64(min($1, 63))) },
        DW_OP_div: divide,
        DW_OP_mod: { _, state, _ in
            guard let right = state.pop(), let left = state.pop(), right != 0 else { return nil }
            state.push(left % right)
        },
    ]

    private static func combine(
        floats: (@Sendable (Double, Double) -> Double)? = nil,
        _ body: @escaping @Sendable (UInt64, UInt64) -> UInt64
    ) -> Operation {
        { _, state, _ in
            guard let right = state.stack.popLast(), let left = state.stack.popLast() else {
                return nil
            }
            if left.type?.isFloat == true {
                guard let floats else { return nil }
                return left.combined(with: right, floats).map { state.stack.append($0) }
            }
            let value = ExpressionValue(body(left.bits, right.bits), type: left.type)
            state.stack.append(value.normalized)
        }
    }

    /// Division is signed, unless the operands have an unsigned type.
    private static let divide: Operation = { _, state, _ in
        guard let right = state.stack.popLast(), let left = state.stack.popLast() else {
            return nil
        }
        if left.type?.isFloat == true {
            return left.combined(with: right, /).map { state.stack.append($0) }
        }
        guard right.bits != 0 else { return nil }
        if let type = left.type, !type.isSigned {
            state.stack.append(ExpressionValue(left.bits / right.bits, type: type))
            return ()
        }
        let (quotient, _) = Int64(bitPattern: left.bits)
            .dividedReportingOverflow(by: Int64(bitPattern: right.bits))
        state.stack.append(ExpressionValue(UInt64(bitPattern: quotient), type: left.type))
    }

    private static let comparisons: [Int: Operation] = [
        DW_OP_eq: compare { $0 == $1 },
        DW_OP_ne: compare { $0 != $1 },
        DW_OP_lt: compare { $0 < $1 },
        DW_OP_le: compare { $0 <= $1 },
        DW_OP_gt: compare { $0 > $1 },
        DW_OP_ge: compare { $0 >= $1 },
    ]

    /// Values without a type are compared as signed ones (DWARF 5, 2.5.1.5).
    private static func compare(_ body: @escaping @Sendable (Int64, Int64) -> Bool) -> Operation {
        { _, state, _ in
            guard let right = state.stack.popLast(), let left = state.stack.popLast() else {
                return nil
            }
            // The order of unsigned numbers is that of signed ones with the top bit turned over.
            let flip: UInt64 = left.type.map { !$0.isSigned } ?? false ? 1 << 63 : 0
            let isTrue = body(
                Int64(bitPattern: left.bits ^ flip),
                Int64(bitPattern: right.bits ^ flip)
            )
            state.push(isTrue ? 1 : 0)
        }
    }

    // MARK: Flow

    private static let flow: [Int: Operation] = [
        DW_OP_skip: { _, state, operation in state.branch = target(of: operation) },
        DW_OP_bra: { _, state, operation in
            guard let condition = state.pop() else { return nil }
            if condition != 0 { state.branch = target(of: operation) }
        },
    ]

    /// Branches count from the byte after their three.
    private static func target(of operation: DecodedOperation) -> UInt64 {
        operation.offset &+ 3 &+ operation.number
    }

    // MARK: Location descriptions

    private static let places: [Int: Operation] = [
        DW_OP_stack_value: { _, state, _ in state.pop().map { state.pending = .value($0) } },
        DW_OP_implicit_value: { machine, state, operation in
            machine.implicitValue(operation).map { state.pending = .bytes($0) }
        },
        DW_OP_implicit_pointer: { _, state, _ in state.pending = .unavailable },
        DW_OP_GNU_implicit_pointer: { _, state, _ in state.pending = .unavailable },
        DW_OP_piece: { _, state, operation in
            addPiece(operation.number.multipliedReportingOverflow(by: 8), 0, &state)
        },
        DW_OP_bit_piece: { _, state, operation in
            addPiece((operation.number, false), operation.number2, &state)
        },
    ]

    private static func addPiece(
        _ size: (partialValue: UInt64, overflow: Bool),
        _ offset: UInt64,
        _ state: inout ExpressionState
    ) -> Void? {
        let limit = UInt64(LocationReader.bytesMax * 8)
        guard !size.overflow, size.partialValue <= limit, offset <= limit,
            state.pieces.count < ExpressionMachine.stackMax
        else { return nil }
        return state.pieces.append(
            Location.Piece(
                location: state.takeLocation(),
                bitSize: Int(size.partialValue),
                bitOffset: Int(offset)
            )
        )
    }

    // MARK: Typed values

    private static let typed: [Int: Operation] = {
        let constType: Operation = { machine, state, operation in
            guard let type = machine.baseType(operation),
                let bytes = machine.implicitValue(operation)
            else { return nil }
            let bits = bytes.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            state.stack.append(ExpressionValue(bits, type: type).normalized)
        }
        let registerType: Operation = { machine, state, operation in
            guard let type = machine.baseType(operation),
                let number = Int(exactly: operation.number),
                let bits = machine.registers[number]
            else { return nil }
            state.stack.append(ExpressionValue(bits, type: type).normalized)
        }
        let dereferenceType: Operation = { machine, state, operation in
            guard let type = machine.baseType(operation), operation.number <= 8,
                let address = state.pop(),
                let bits = machine.read(address, count: Int(operation.number))
            else { return nil }
            state.stack.append(ExpressionValue(bits, type: type).normalized)
        }
        let convert: Operation = { machine, state, operation in
            guard let value = state.stack.popLast() else { return nil }
            let type = machine.baseType(operation)
            return value.converted(to: type).map { state.stack.append($0) }
        }
        let reinterpret: Operation = { machine, state, operation in
            guard let value = state.stack.popLast() else { return nil }
            let type = machine.baseType(operation)
            state.stack.append(ExpressionValue(value.bits, type: type).normalized)
        }
        return [
            DW_OP_const_type: constType, DW_OP_GNU_const_type: constType,
            DW_OP_regval_type: registerType, DW_OP_GNU_regval_type: registerType,
            DW_OP_deref_type: dereferenceType, DW_OP_GNU_deref_type: dereferenceType,
            DW_OP_convert: convert, DW_OP_GNU_convert: convert,
            DW_OP_reinterpret: reinterpret, DW_OP_GNU_reinterpret: reinterpret,
        ]
    }()
}

/// An operation as libdw has decoded it.
struct DecodedOperation {
    /// Where it stands in libdw's list, by which libdw finds what belongs to it.
    let place: UnsafePointer<Dwarf_Op>

    var number: UInt64 { place.pointee.number }
    var number2: UInt64 { place.pointee.number2 }
    /// Where the operation stands in the expression, in bytes.
    var offset: UInt64 { place.pointee.offset }
}
