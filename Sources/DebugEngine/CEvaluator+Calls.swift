internal import Symbols

extension CEvaluator {
    /// A call of a function of the debuggee.
    func call(_ function: CNode, _ arguments: [CNode], _ node: CNode) throws -> TypedValue {
        guard arguments.count <= InferiorCall.argumentsMax else {
            throw CError("More than \(InferiorCall.argumentsMax) arguments", node.column)
        }
        let values = try arguments.map { try evaluate($0).dereferenced }
        let (callee, object) = try callee(function, values, node)
        guard let address = callee.address else {
            throw CError("The function has no address", function.column)
        }
        let thread = try session.requireThread(for: ".call")
        var stack = try session.callStack(of: thread)
        var call = InferiorCall(function: address)
        let parameters = callee.type.parameters ?? []
        var given = values
        if let object { given.insert(object, at: 0) }
        let isKnown = callee.type.parameters != nil
        guard !isKnown || given.count >= parameters.count else {
            throw CError(
                "The function takes \(parameters.count - (object == nil ? 0 : 1)) arguments, not"
                    + " \(arguments.count)",
                node.column
            )
        }
        for (index, value) in given.enumerated() {
            let place = arguments.indices.contains(index) ? arguments[index] : node
            let type = parameters.indices.contains(index) ? parameters[index] : nil
            call.arguments.append(try argument(value, type, &stack, place))
        }
        return try finish(call, returning: callee.type.target ?? .void, stack)
    }

    // MARK: Which function

    private func callee(
        _ function: CNode,
        _ arguments: [TypedValue],
        _ node: CNode
    ) throws -> (TypedValue, object: TypedValue?) {
        switch function.form {
        case .name(let name):
            let candidates = scope.functions(named: name)
            if let best = best(of: candidates, for: arguments, extra: 0) { return (best, nil) }
        case .member(let owner, let name, _):
            let object = try structure(of: owner, function)
            if object.member(name) == nil {
                return try method(name, of: object, arguments, function)
            }
        default: break
        }
        let value = try evaluate(function).dereferenced
        if value.type.kind == .function { return (value, nil) }
        guard case .pointer(let address, let target) = try operand(value, function),
            target.kind == .function
        else { throw CError("\(value.type.name) is no function", function.column) }
        return (TypedValue(target, at: address, in: scope.context), nil)
    }

    private func method(
        _ name: String,
        of object: TypedValue,
        _ arguments: [TypedValue],
        _ node: CNode
    ) throws -> (TypedValue, object: TypedValue?) {
        let methods = object.methods(named: name)
        let candidates = methods.compactMap { method -> TypedValue? in
            guard let slot = method.slot else { return scope.function(linkage: method.linkageName) }
            return override(slot, of: method.object)
        }
        guard let best = best(of: candidates, for: arguments, extra: 1) else {
            throw CError(
                "\(object.type.name) has no function \(name) that the program contains",
                node.column
            )
        }
        guard let address = methods.first?.object.address ?? object.address else {
            throw CError("The object is not in memory", node.column)
        }
        return (best, value(pointer: address, to: object.type))
    }

    /// The function that an object's own table of virtual functions has at a place.
    private func override(_ slot: UInt64, of object: TypedValue) -> TypedValue? {
        guard let table = object.bytes(count: 8),
            let entry = try? session.expressionMemory(
                at: LittleEndian.value(table) &+ slot &* 8,
                count: 8
            )
        else { return nil }
        let address = LittleEndian.value(entry)
        return scope.function(at: address)
    }

    /// The overload whose parameters fit best; by their number first, then by their kinds.
    private func best(
        of candidates: [TypedValue],
        for arguments: [TypedValue],
        extra: Int
    ) -> TypedValue? {
        func penalty(_ candidate: TypedValue) -> Int {
            guard let parameters = candidate.type.parameters else { return 50 }
            var sum = abs(parameters.count - extra - arguments.count) * 1000
            for (parameter, argument) in zip(parameters.dropFirst(extra), arguments) {
                if parameter.kind != argument.type.kind {
                    // What cuts off a fraction is the last that anybody wants.
                    sum += argument.type.kind == .scalar(.floating) ? 30 : 10
                }
                if parameter.byteSize != argument.type.byteSize { sum += 1 }
            }
            return sum
        }
        return candidates.min { penalty($0) < penalty($1) }
    }

    // MARK: Arguments and results

    private func argument(
        _ value: TypedValue,
        _ type: ValueType?,
        _ stack: inout UInt64,
        _ node: CNode
    ) throws -> InferiorCall.Argument {
        if type?.kind == .reference {
            guard let address = value.address else {
                let bytes = value.bytes() ?? []
                stack = try session.place(bytes, below: stack)
                return .integer(stack)
            }
            return .integer(address)
        }
        // Text that is only here has to be brought to the debuggee.
        if value.type.kind == .array, value.address == nil, let bytes = value.bytes() {
            guard bytes.count <= InferiorCall.bytesMax else {
                throw CError("The text is too long", node.column)
            }
            stack = try session.place(bytes, below: stack)
            return .integer(stack)
        }
        if let type, type.kind == .structure || value.type.kind == .structure {
            return try structureArgument(value, node)
        }
        let converted = try type.map { try cast(value, to: $0, node) } ?? promoted(value, node)
        guard case .number(let number) = try operand(converted, node) else {
            return .integer(try self.number(converted, node).bits)
        }
        guard number.type.kind == .floating else { return .integer(number.bits) }
        return number.type.size > 8 ? .memory(number.bytes) : .real(number.bytes)
    }

    /// Where there is no prototype, `float` becomes `double` (C17 6.5.2.2).
    private func promoted(_ value: TypedValue, _ node: CNode) throws -> TypedValue {
        guard case .number(let number) = try operand(value, node), number.type == .float else {
            return value
        }
        return self.value(number.converted(to: .double))
    }

    /// A structure by value: in registers where it is one word or two, on the stack where it is more.
    private func structureArgument(
        _ value: TypedValue,
        _ node: CNode
    ) throws -> InferiorCall.Argument {
        guard let bytes = value.bytes() else { throw unreadable(value, node) }
        guard bytes.count <= 16 else { return .memory(bytes) }
        return .words(
            value.realWords.enumerated().map { index, isReal in
                (LittleEndian.value(bytes.dropFirst(8 * index).prefix(8)), isReal)
            }
        )
    }

    private func finish(
        _ call: InferiorCall,
        returning type: ValueType,
        _ stack: UInt64
    ) throws -> TypedValue {
        var call = call
        let size = type.byteSize ?? 0
        let isWhole = type.kind == .structure
        if isWhole, size > 16 { call.resultBytes = min(size, UInt64(InferiorCall.bytesMax)) }
        let result = try session.perform(call, stack: stack)
        if let memory = result.memory {
            return TypedValue(type, bytes: memory, in: scope.context)
        }
        let bytes: [UInt8]
        switch type.kind {
        case .void: return TypedValue(.void, bytes: [], in: scope.context)
        case .scalar(.floating) where size <= 8: bytes = result.reals[0]
        case .structure:
            var integers = result.integers[...]
            var reals = result.reals[...]
            let model = TypedValue(type, bytes: [], in: scope.context)
            bytes = model.realWords.flatMap { isReal in
                isReal
                    ? Array((reals.popFirst() ?? []).prefix(8))
                    : LittleEndian.bytes(integers.popFirst() ?? 0, count: 8)
            }
        default: bytes = result.integers.flatMap { LittleEndian.bytes($0, count: 8) }
        }
        return TypedValue(type, bytes: Array(bytes.prefix(Int(size))), in: scope.context)
    }
}
