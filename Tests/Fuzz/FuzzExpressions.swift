// What users and scripts write: expressions of both languages, whole and as beginnings of longer texts. A
// reader never traps, nests and grows no further than its limits, and hands back an end of what it was given.

/// Some words are types and values, as in a program: by their first letter.
private struct FuzzedNames: CNameTable {
    func isType(_ name: String) -> Bool { name.hasPrefix("t") || name.hasPrefix("T") }

    func isValue(_ name: String) -> Bool { name.hasPrefix("v") }
}

private struct FuzzedContext: ExpressionContext {
    var radix: Int

    func registerValue(_ name: String) -> UInt64? { name.hasPrefix("r") ? 7 : nil }

    func pseudoRegisterValue(_ name: String) -> UInt64? { name.hasPrefix("$t") ? 3 : nil }

    func symbolValue(_ name: String) -> UInt64? { name.hasPrefix("s") ? 0x1000 : nil }

    func sourceLineValue(file: String, line: Int) -> UInt64? { UInt64(clamping: line) }

    func expressionMemory(at address: UInt64, count: Int) -> [UInt8] {
        [UInt8](repeating: UInt8(truncatingIfNeeded: address), count: count)
    }

    func embeddedValue(_ text: String) throws -> UInt64 {
        let node = try CParser.parse(text, names: FuzzedNames())
        return fold(node, depth: 0)?.bits ?? 0
    }
}

/// The number of an expression of literals, so that arithmetic is tried too.
private func fold(_ node: CNode, depth: Int) -> CNumber? {
    precondition(depth <= CParser.nodesMax, "deeper than it may be")
    switch node.form {
    case .number(let number): return number
    case .unary(let sign, let operand):
        return fold(operand, depth: depth + 1).flatMap { try? CNumber.apply(sign, $0) }
    case .binary(let sign, let left, let right):
        guard let first = fold(left, depth: depth + 1), let second = fold(right, depth: depth + 1)
        else { return nil }
        let number = try? CNumber.apply(sign, first, second)
        precondition(number.map { $0.bytes.count == $0.type.size } ?? true, "another size")
        return number
    case .conditional(let condition, let first, let second):
        guard let truth = fold(condition, depth: depth + 1)?.isTrue else { return nil }
        return fold(truth ? first : second, depth: depth + 1)
    case .cast(let type, let operand):
        guard case .scalar(let scalar) = type.base else { return nil }
        return fold(operand, depth: depth + 1)?.converted(to: scalar)
    default: return nil
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzExpressions(_ data: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    var input = FuzzInput(data, count)
    let kind = input.byte()
    var bytes: [UInt8] = []
    while !input.isAtEnd { bytes.append(input.byte()) }
    let text = String(decoding: bytes, as: UTF8.self)
    switch kind % 3 {
    case 0:
        guard let (node, rest) = try? CParser.parsePrefix(text, names: FuzzedNames()) else { break }
        precondition(text.count > CLexer.lengthMax || text.hasSuffix(rest), "no end of the text")
        _ = fold(node, depth: 0)
    case 1: _ = try? CParser.parseType(text, names: FuzzedNames())
    default:
        let context = FuzzedContext(radix: [8, 10, 16][Int(kind) / 3 % 3])
        guard let found = try? ExpressionEvaluator.evaluatePrefix(text, in: context) else { break }
        precondition(text.hasSuffix(found.rest), "no end of the text")
    }
    return 0
}
