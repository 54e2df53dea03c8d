internal import DebugTarget
internal import Symbols

extension CEvaluator {
    /// `=` and its kin.
    func assign(
        _ sign: String,
        _ left: CNode,
        _ right: CNode,
        _ node: CNode
    ) throws -> TypedValue {
        var result = try evaluate(right)
        if !sign.isEmpty {
            let old = try operand(evaluate(left), left)
            result = try combine(sign, old, try operand(result, right), node)
        }
        return try store(result, in: left, node)
    }

    /// `++` and `--`; behind its operand the operator's value is the old one.
    func step(
        _ sign: String,
        _ operand: CNode,
        isPrefix: Bool,
        _ node: CNode
    ) throws -> TypedValue {
        let old = try evaluate(operand).dereferenced
        let value = try self.operand(old, operand)
        let kept = TypedValue(old.type, bytes: old.bytes() ?? [], in: scope.context)
        let one = Operand.number(CNumber(1, .int))
        let next = try combine(String(sign.prefix(1)), value, one, node)
        let stored = try store(next, in: operand, node)
        return isPrefix ? stored : kept
    }

    private func store(_ value: TypedValue, in left: CNode, _ node: CNode) throws -> TypedValue {
        switch left.form {
        case .register(let name): return try store(value, inRegister: name, left)
        case .pseudo(let name): return try store(value, inPseudo: name, left)
        default: break
        }
        let place = try evaluate(left).dereferenced
        let bytes = try converted(value.dereferenced, to: place, node)
        switch place.place {
        case .memory(let address):
            guard let stored = place.storedBytes(bytes) else { throw unreadable(place, left) }
            try session.writeMemory(stored, at: address)
        case .register(let number):
            try store(bytes, inRegister: number, of: place, left)
        case .nowhere:
            throw CError("Only what is in memory or in a register can be changed", left.column)
        }
        return try evaluate(left)
    }

    /// The bytes of a value as the type of the place that it goes to.
    private func converted(
        _ value: TypedValue,
        to place: TypedValue,
        _ node: CNode
    ) throws -> [UInt8] {
        let isWhole = place.type.kind == .structure || place.type.kind == .array
        guard isWhole else {
            guard let bytes = try cast(value, to: place.type, node).bytes() else {
                throw unreadable(value, node)
            }
            return bytes
        }
        guard value.type.byteSize == place.type.byteSize, value.type.kind == place.type.kind,
            let bytes = value.bytes()
        else {
            throw CError(
                "\(value.type.name) cannot be assigned to \(place.type.name)",
                node.column
            )
        }
        return bytes
    }

    private func store(
        _ value: TypedValue,
        inRegister name: String,
        _ node: CNode
    ) throws -> TypedValue {
        let thread = try session.requireThread(for: "??")
        guard session.currentFrame == 0 else {
            throw CError("Registers can be changed in frame 0 only", node.column)
        }
        var view = try session.registers(of: thread)
        guard view.set(name, to: try number(value, node).bits) else {
            throw CError("There is no register \(name)", node.column)
        }
        try session.store(view, of: thread)
        return try evaluate(node)
    }

    private func store(
        _ value: TypedValue,
        inPseudo name: String,
        _ node: CNode
    ) throws -> TypedValue {
        let index = Int(name.lowercased().drop { $0 == "$" || $0 == "t" })
        guard name.lowercased().contains("t"), let index,
            session.userRegisters.indices.contains(index)
        else { throw CError("Only $t0 to $t19 can be changed", node.column) }
        session.userRegisters[index] = try number(value, node).bits
        return try evaluate(node)
    }

    /// A variable that the compiler keeps in a register; its other bits stay.
    private func store(
        _ bytes: [UInt8],
        inRegister number: Int,
        of place: TypedValue,
        _ node: CNode
    ) throws {
        let thread = try session.requireThread(for: "??")
        guard session.currentFrame == 0 || place.registerName == nil else {
            throw CError(
                "It is in register \(place.registerName ?? "?") of an outer frame, which has no place"
                    + " of its own",
                node.column
            )
        }
        var view = try session.registers(of: thread)
        guard bytes.count <= 8,
            let register = view.description.registers.first(where: { $0.dwarfNumber == number }),
            view.replaceLowBytes(of: register, by: bytes)
        else { throw CError("The value does not fit into its register", node.column) }
        try session.store(view, of: thread)
    }
}
