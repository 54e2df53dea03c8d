internal import Symbols

extension CEvaluator {
    // MARK: One operand

    func unary(_ sign: String, _ operand: CNode, _ node: CNode) throws -> TypedValue {
        switch sign {
        case "&": return try address(of: operand, node)
        case "*": return try dereferenced(operand, node)
        default: break
        }
        let value = try evaluate(operand)
        if sign == "!" {
            return self.value(CNumber(try isTrue(value, operand) ? 0 : 1, .bool))
        }
        guard case .number(let number) = try self.operand(value, operand) else {
            throw CError("\(sign) is for numbers, not for \(value.type.name)", node.column)
        }
        return try arithmetic(node) { () throws(CArithmeticError) in
            self.value(try CNumber.apply(sign, number))
        }
    }

    private func address(of operand: CNode, _ node: CNode) throws -> TypedValue {
        let value = try evaluate(operand).dereferenced
        if let address = value.address { return self.value(pointer: address, to: value.type) }
        if value.bits != nil { throw CError("A bit field has no address", node.column) }
        if let register = value.registerName {
            throw CError("It is in register \(register) and has no address", node.column)
        }
        throw CError("It is not in memory and has no address", node.column)
    }

    private func arithmetic(
        _ node: CNode,
        _ body: () throws(CArithmeticError) -> TypedValue
    ) throws -> TypedValue {
        do {
            return try body()
        } catch {
            throw CError(error.rawValue, node.column)
        }
    }

    // MARK: Two operands

    func binary(
        _ sign: String,
        _ left: CNode,
        _ right: CNode,
        _ node: CNode
    ) throws -> TypedValue {
        let first = try evaluate(left)
        switch sign {
        case ",": return try evaluate(right)
        case "&&", "||":
            let isFirst = try isTrue(first, left)
            // The right side is not looked at where the left one decides.
            let truth =
                isFirst == (sign == "||") ? isFirst : try isTrue(evaluate(right), right)
            return value(CNumber(truth ? 1 : 0, .bool))
        default:
            return try combine(
                sign,
                try operand(first, left),
                try operand(evaluate(right), right),
                node
            )
        }
    }

    func combine(
        _ sign: String,
        _ left: Operand,
        _ right: Operand,
        _ node: CNode
    ) throws -> TypedValue {
        switch (left, right) {
        case (.number(let first), .number(let second)):
            return try arithmetic(node) { () throws(CArithmeticError) in
                value(try CNumber.apply(sign, first, second))
            }
        case (.pointer(let address, let target), .number(let number)):
            return try moved(sign, address, target, by: number, node)
        case (.number(let number), .pointer(let address, let target)):
            if sign == "+" { return try moved(sign, address, target, by: number, node) }
            return try compared(sign, number.bits, address, node)
        case (.pointer(let first, let target), .pointer(let second, _)):
            guard sign == "-" else { return try compared(sign, first, second, node) }
            let size = Int128(max(1, target.byteSize ?? 1))
            let distance = Int128(Int64(bitPattern: first &- second))
            return value(CNumber(distance / size, .long))
        case (.whole(let value), _), (_, .whole(let value)):
            throw CError("\(sign) is not for \(value.type.name)", node.column)
        }
    }

    private func compared(
        _ sign: String,
        _ left: UInt64,
        _ right: UInt64,
        _ node: CNode
    ) throws -> TypedValue {
        guard let truth = CNumber.order(sign, left, right) else {
            throw CError("\(sign) is not for pointers", node.column)
        }
        return value(CNumber(truth ? 1 : 0, .bool))
    }

    /// A pointer so many elements further on; `void *` goes by bytes, as GNU C has it.
    private func moved(
        _ sign: String,
        _ address: UInt64,
        _ target: ValueType,
        by number: CNumber,
        _ node: CNode
    ) throws -> TypedValue {
        guard sign == "+" || sign == "-" else {
            return try compared(sign, address, number.bits, node)
        }
        guard number.type.isInteger else {
            throw CError("A pointer moves by whole elements", node.column)
        }
        let size: UInt64
        switch target.kind {
        case .void, .function: size = 1
        default:
            guard let known = target.byteSize else {
                throw CError("The size of \(target.name) is not known", node.column)
            }
            size = known
        }
        let distance = UInt64(truncatingIfNeeded: number.integer) &* size
        let place = sign == "+" ? address &+ distance : address &- distance
        return value(pointer: place, to: target)
    }

    // MARK: Casts

    func cast(_ value: TypedValue, to type: ValueType, _ node: CNode) throws -> TypedValue {
        if type.kind == .reference, let target = type.target {
            return value.dereferenced.reinterpreted(as: target)
        }
        let value = value.dereferenced
        switch type.kind {
        case .scalar(let encoding):
            let number = try number(value, node)
            let size = Int(type.byteSize ?? 0)
            let zero = [UInt8](repeating: 0, count: size)
            let target = CValue.number(zero, encoding, type).type
            return TypedValue(type, bytes: number.converted(to: target).bytes, in: scope.context)
        case .enumeration, .memberPointer, .other:
            let number = try number(value, node)
            return TypedValue(
                type,
                bytes: LittleEndian.bytes(number.bits, count: Int(min(8, type.byteSize ?? 4))),
                in: scope.context
            )
        case .pointer: return try castToPointer(value, type, node)
        case .void: return TypedValue(.void, bytes: [], in: scope.context)
        case .structure, .array, .function, .reference:
            guard value.address != nil else {
                throw CError("Only what is in memory can be read as \(type.name)", node.column)
            }
            return value.reinterpreted(as: type)
        }
    }

    private func castToPointer(
        _ value: TypedValue,
        _ type: ValueType,
        _ node: CNode
    ) throws -> TypedValue {
        var address = try number(value, node).bits
        if case .pointer(_, let source) = try operand(value, node), address != 0,
            let target = type.target, source.kind == .structure, target.kind == .structure
        {
            let context = scope.context(of: value)
            if let up = TypedValue(source, at: address, in: context).offset(ofBase: target) {
                address &+= up
            } else if let down = TypedValue(target, at: address, in: context).offset(ofBase: source)
            {
                address &-= down
            }
        }
        let bytes = LittleEndian.bytes(address, count: Int(clamping: type.byteSize ?? 8))
        return TypedValue(type, bytes: bytes, in: scope.context)
    }
}
