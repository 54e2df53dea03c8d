internal import Symbols

/// Evaluates expressions of C over a session's values.
///
/// Each step gives a `TypedValue`, which knows its type and where it is; numbers are taken out of it, and
/// combined as C combines them (`CNumber`).
struct CEvaluator {
    let session: DebugSession
    let scope: CScope

    init(_ session: DebugSession) {
        self.session = session
        scope = CScope(session)
    }

    /// What a value is when it is used.
    enum Operand {
        case number(CNumber)
        /// An address and the type of what is there.
        case pointer(UInt64, ValueType)
        /// A structure, or something that C does not calculate with.
        case whole(TypedValue)
    }

    func evaluate(_ node: CNode) throws -> TypedValue {
        if session.host.takeInterrupt() { throw EngineError(.userInterrupt, "??") }
        switch node.form {
        case .number(let number): return value(number)
        case .string(let bytes, let type): return literal(bytes, type)
        case .name(let name): return try scope.value(named: name, at: node.column)
        case .register(let name): return try register(name, node)
        case .pseudo(let name): return try pseudo(name, node)
        case .masm(let text):
            let number = try ExpressionEvaluator.evaluate(text, in: session)
            return value(CNumber(Int128(number), .unsignedLong))
        case .unary(let sign, let operand): return try unary(sign, operand, node)
        case .step(let sign, let operand, let isPrefix):
            return try step(sign, operand, isPrefix: isPrefix, node)
        case .binary(let sign, let left, let right): return try binary(sign, left, right, node)
        case .conditional(let condition, let first, let second):
            return try evaluate(try isTrue(evaluate(condition), condition) ? first : second)
        case .assignment(let sign, let left, let right):
            return try assign(sign, left, right, node)
        case .cast(let type, let operand):
            return try cast(evaluate(operand), to: try scope.type(type, at: node.column), node)
        case .sizeofType(let type):
            return try size(of: try scope.type(type, at: node.column), node)
        case .sizeofValue(let operand):
            return try size(of: evaluate(operand).dereferenced.type, node)
        case .member(let object, let name, let isArrow):
            return try member(name, of: object, isArrow: isArrow, node)
        case .subscripted(let left, let right): return try subscripted(left, right, node)
        case .call(let function, let arguments): return try call(function, arguments, node)
        }
    }

    // MARK: Plain values

    func value(_ number: CNumber) -> TypedValue {
        TypedValue(scope.type(number.type), bytes: number.bytes, in: scope.context)
    }

    func value(pointer address: UInt64, to target: ValueType) -> TypedValue {
        let type = target.pointer
        let bytes = LittleEndian.bytes(address, count: Int(clamping: type.byteSize ?? 8))
        return TypedValue(type, bytes: bytes, in: scope.context)
    }

    private func literal(_ bytes: [UInt8], _ type: CScalar) -> TypedValue {
        let count = UInt64(bytes.count / max(1, type.size))
        return TypedValue(scope.type(type).array(count: count), bytes: bytes, in: scope.context)
    }

    private func register(_ name: String, _ node: CNode) throws -> TypedValue {
        guard let number = try session.registerValue(name) else {
            throw CError("There is no register \(name)", node.column)
        }
        return value(CNumber(Int128(number), .unsignedLong))
    }

    private func pseudo(_ name: String, _ node: CNode) throws -> TypedValue {
        guard let number = try session.pseudoRegisterValue(name) else {
            throw CError("There is no pseudo-register \(name)", node.column)
        }
        return value(CNumber(Int128(number), .unsignedLong))
    }

    private func size(of type: ValueType, _ node: CNode) throws -> TypedValue {
        guard let size = type.byteSize else {
            throw CError("The size of \(type.name) is not known", node.column)
        }
        return value(CNumber(Int128(size), .unsignedLong))
    }

    // MARK: Operands

    /// What a value is when an operator is applied to it.
    func operand(_ value: TypedValue, _ node: CNode) throws -> Operand {
        let value = value.dereferenced
        switch value.type.kind {
        case .scalar(let encoding):
            guard let bytes = value.bytes() else { throw unreadable(value, node) }
            return .number(CValue.number(bytes, encoding, value.type))
        case .enumeration:
            guard let bytes = value.bytes() else { throw unreadable(value, node) }
            let isSigned = value.type.isSignedEnumeration
            return .number(CValue.number(bytes, isSigned ? .signed : .unsigned, value.type))
        case .pointer:
            guard let address = value.word else { throw unreadable(value, node) }
            return .pointer(address, value.type.target ?? .void)
        case .array:
            guard let address = value.address, let element = value.type.target else {
                return .whole(value)
            }
            return .pointer(address, element)
        case .function:
            return value.address.map { .pointer($0, value.type) } ?? .whole(value)
        default:
            if let target = value.smartTarget { return try operand(target, node) }
            return .whole(value)
        }
    }

    func number(_ value: TypedValue, _ node: CNode) throws -> CNumber {
        switch try operand(value, node) {
        case .number(let number): return number
        case .pointer(let address, _): return CNumber(Int128(address), .unsignedLong)
        case .whole(let value):
            throw CError("\(value.type.name) is no number", node.column)
        }
    }

    func isTrue(_ value: TypedValue, _ node: CNode) throws -> Bool {
        try number(value, node).isTrue
    }

    /// Why a value's bytes are not to be had.
    func unreadable(_ value: TypedValue, _ node: CNode) -> any Error {
        if value.isOptimizedAway {
            return CError("The value is optimised away here", node.column)
        }
        if let address = value.address {
            return CError("Memory access error at \(Format.address(address))", node.column)
        }
        return CError("The value cannot be read", node.column)
    }

    // MARK: Access

    private func member(
        _ name: String,
        of object: CNode,
        isArrow: Bool,
        _ node: CNode
    ) throws -> TypedValue {
        let value = try structure(of: object, node)
        if let member = value.member(name) { return member }
        guard value.type.kind == .structure else {
            throw CError("\(value.type.name) has no members", node.column)
        }
        let names = value.memberNames
        let known =
            names.isEmpty ? "" : "; it has " + names.prefix(12).joined(separator: ", ")
        throw CError(
            "\(value.type.name) has no member \(name)\(known)\(names.count > 12 ? ", …" : "")",
            node.column
        )
    }

    /// The structure before `.` or `->`; both go through pointers, as a debugger's user expects.
    func structure(of object: CNode, _ node: CNode) throws -> TypedValue {
        var value = try evaluate(object).dereferenced
        if value.type.kind == .pointer {
            guard value.word != nil else { throw unreadable(value, object) }
            guard let target = value.pointee() else {
                throw CError("\(value.type.name) leads to nothing with members", object.column)
            }
            value = target.dereferenced
        } else if case .member(_, let name, true) = node.form, value.member(name) == nil,
            let target = value.smartTarget?.pointee()
        {
            value = target
        }
        return value
    }

    private func subscripted(
        _ left: CNode,
        _ right: CNode,
        _ node: CNode
    ) throws -> TypedValue {
        let container = try evaluate(left).dereferenced
        let index = try number(evaluate(right), right)
        let place = UInt64(truncatingIfNeeded: index.integer)
        guard index.type.isInteger else {
            throw CError("An index is an integer", right.column)
        }
        // An array that is not in memory, or of which the elements are known to be here.
        if container.address == nil, let element = container.element(place) { return element }
        if let start = container.containerStart {
            return try dereference(start, place, node)
        }
        return try dereference(container, place, node)
    }

    private func dereference(
        _ value: TypedValue,
        _ index: UInt64,
        _ node: CNode
    ) throws -> TypedValue {
        guard case .pointer(let address, let target) = try operand(value, node) else {
            throw CError("\(value.type.name) has no elements", node.column)
        }
        guard let size = target.byteSize else {
            throw CError("The size of \(target.name) is not known", node.column)
        }
        return TypedValue(target, at: address &+ index &* size, in: scope.context(of: value))
    }

    func dereferenced(_ operand: CNode, _ node: CNode) throws -> TypedValue {
        let value = try evaluate(operand).dereferenced
        guard case .pointer(let address, let target) = try self.operand(value, operand) else {
            throw CError("\(value.type.name) is no pointer", node.column)
        }
        guard target.kind != .void else {
            throw CError("void * leads to nothing; a cast says to what", node.column)
        }
        return TypedValue(target, at: address, in: scope.context(of: value))
    }
}

/// Numbers out of bytes, by what DWARF says of the type.
enum CValue {
    static func number(
        _ bytes: [UInt8],
        _ encoding: ScalarEncoding,
        _ type: ValueType
    ) -> CNumber {
        let scalar = scalar(encoding, bytes.count, type)
        guard scalar.kind == .floating else {
            let bits = bytes.prefix(16).reversed().reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
            return CNumber(Int128(bitPattern: bits), scalar)
        }
        switch bytes.count {
        case 4:
            let bits = UInt32(truncatingIfNeeded: LittleEndian.value(bytes))
            return CNumber(real: Double(Float(bitPattern: bits)), scalar)
        case 8: return CNumber(real: Double(bitPattern: LittleEndian.value(bytes)), scalar)
        default: return CNumber(real: extended(bytes), scalar)
        }
    }

    /// The x87 format, as near as a double comes.
    private static func extended(_ bytes: [UInt8]) -> Double {
        guard bytes.count >= 10 else { return 0 }
        let upper = Int(bytes[8]) | Int(bytes[9]) << 8
        let significand = LittleEndian.value(bytes[0..<8])
        let sign: Double = upper >> 15 == 0 ? 1 : -1
        let exponent = upper & 0x7fff
        if exponent == 0x7fff { return significand << 1 == 0 ? sign * .infinity : .nan }
        return sign
            * Double(
                sign: .plus,
                exponent: exponent - 16_383 - 63,
                significand: Double(significand)
            )
    }

    private static func scalar(
        _ encoding: ScalarEncoding,
        _ size: Int,
        _ type: ValueType
    ) -> CScalar {
        let isLongLong = type.name.contains("long long")
        switch (encoding, size) {
        case (.boolean, _): return .bool
        case (.floating, 4): return .float
        case (.floating, 8): return .double
        case (.floating, _): return .longDouble
        case (.signedCharacter, _): return .char
        case (.unsignedCharacter, _): return .unsignedChar
        case (.unicode, 1): return .character8
        case (.unicode, 2): return .character16
        case (.unicode, _): return .character32
        case (.signed, 1): return .signedChar
        case (.signed, 2): return .short
        case (.signed, 4): return .int
        case (.signed, 8): return isLongLong ? .longLong : .long
        case (.signed, _): return .wide
        case (_, 1): return .unsignedChar
        case (_, 2): return .unsignedShort
        case (_, 4): return .unsignedInt
        case (_, 8): return isLongLong ? .unsignedLongLong : .unsignedLong
        default: return .unsignedWide
        }
    }
}
