/// C's arithmetic types as they are on Linux with 64 bits: `long` and pointers have eight bytes.
public struct CScalar: Sendable, Hashable {
    /// What the bits mean.
    public enum Kind: Sendable { case boolean, signed, unsigned, floating }

    /// As C writes it.
    public var name: String
    /// What the bits mean.
    public var kind: Kind
    /// In bytes.
    public var size: Int
    /// The order among integers of the same size: `long long` before `long`.
    var rank: Int
    /// Whether it is shown as a character.
    public var isCharacter = false

    init(_ name: String, _ kind: Kind, _ size: Int, rank: Int, isCharacter: Bool = false) {
        self.name = name
        self.kind = kind
        self.size = size
        self.rank = rank
        self.isCharacter = isCharacter
    }

    static let bool = CScalar("bool", .boolean, 1, rank: 0)
    static let char = CScalar("char", .signed, 1, rank: 1, isCharacter: true)
    static let signedChar = CScalar("signed char", .signed, 1, rank: 1, isCharacter: true)
    static let unsignedChar = CScalar("unsigned char", .unsigned, 1, rank: 1, isCharacter: true)
    static let short = CScalar("short", .signed, 2, rank: 2)
    static let unsignedShort = CScalar("unsigned short", .unsigned, 2, rank: 2)
    static let int = CScalar("int", .signed, 4, rank: 3)
    static let unsignedInt = CScalar("unsigned int", .unsigned, 4, rank: 3)
    static let long = CScalar("long", .signed, 8, rank: 4)
    static let unsignedLong = CScalar("unsigned long", .unsigned, 8, rank: 4)
    static let longLong = CScalar("long long", .signed, 8, rank: 5)
    static let unsignedLongLong = CScalar("unsigned long long", .unsigned, 8, rank: 5)
    static let wide = CScalar("__int128", .signed, 16, rank: 6)
    static let unsignedWide = CScalar("unsigned __int128", .unsigned, 16, rank: 6)
    static let wideCharacter = CScalar("wchar_t", .signed, 4, rank: 3, isCharacter: true)
    static let character8 = CScalar("char8_t", .unsigned, 1, rank: 1, isCharacter: true)
    static let character16 = CScalar("char16_t", .unsigned, 2, rank: 2, isCharacter: true)
    static let character32 = CScalar("char32_t", .unsigned, 4, rank: 3, isCharacter: true)
    static let float = CScalar("float", .floating, 4, rank: 0)
    static let double = CScalar("double", .floating, 8, rank: 1)
    static let longDouble = CScalar("long double", .floating, 16, rank: 2)

    var isInteger: Bool { kind != .floating }
    var isSigned: Bool { kind == .signed }

    /// The same integer with the other signedness.
    var unsigned: CScalar {
        switch self {
        case .int: .unsignedInt
        case .long: .unsignedLong
        case .longLong: .unsignedLongLong
        case .wide: .unsignedWide
        default: self
        }
    }

    /// Integers smaller than `int` become `int` (C17 6.3.1.1).
    var promoted: CScalar {
        guard isInteger, rank < CScalar.int.rank || isCharacter else { return self }
        return kind == .unsigned && size >= 4 ? .unsignedInt : .int
    }

    /// The type that both operands of an operator are converted to (C17 6.3.1.8).
    static func common(_ left: CScalar, _ right: CScalar) -> CScalar {
        if left.kind == .floating || right.kind == .floating {
            guard left.kind == .floating else { return right }
            guard right.kind == .floating else { return left }
            return left.rank >= right.rank ? left : right
        }
        let (first, second) = (left.promoted, right.promoted)
        if first.kind == second.kind { return first.rank >= second.rank ? first : second }
        let (signed, other) = first.isSigned ? (first, second) : (second, first)
        if other.rank >= signed.rank { return other }
        return signed.size > other.size ? signed : signed.unsigned
    }

    /// Types of one or several words: `unsigned long int` in any order.
    static func named(_ words: [String]) -> CScalar? {
        var counts: [String: Int] = [:]
        for word in words { counts[word, default: 0] += 1 }
        counts["int"] =
            words.count > 1 && words.count(where: { $0 == "int" }) == 1
            ? nil : counts["int"]
        let key = counts.sorted { $0.key < $1.key }.flatMap {
            Array(repeating: $0.key, count: $0.value)
        }
        return byWords[key.joined(separator: " ")]
    }

    /// The words that types are made of.
    static let words: Set<String> = [
        "char", "short", "int", "long", "signed", "unsigned", "float", "double", "bool", "_Bool",
        "__int128", "wchar_t", "char8_t", "char16_t", "char32_t", "__int64", "__int32", "__int16",
        "__int8",
    ]

    /// By their words in the order of the alphabet, without an `int` that adds nothing.
    private static let byWords: [String: CScalar] = [
        "char": .char, "char signed": .signedChar, "char unsigned": .unsignedChar,
        "short": .short, "short signed": .short, "short unsigned": .unsignedShort,
        "int": .int, "signed": .int, "unsigned": .unsignedInt,
        "long": .long, "long signed": .long, "long unsigned": .unsignedLong,
        "long long": .longLong, "long long signed": .longLong,
        "long long unsigned": .unsignedLongLong,
        "float": .float, "double": .double, "double long": .longDouble,
        "bool": .bool, "_Bool": .bool,
        "__int128": .wide, "__int128 signed": .wide, "__int128 unsigned": .unsignedWide,
        "wchar_t": .wideCharacter, "char8_t": .character8, "char16_t": .character16,
        "char32_t": .character32,
        "__int64": .long, "__int64 unsigned": .unsignedLong,
        "__int32": .int, "__int32 unsigned": .unsignedInt,
        "__int16": .short, "__int16 unsigned": .unsignedShort,
        "__int8": .char, "__int8 unsigned": .unsignedChar,
    ]
}

/// A number of one of C's arithmetic types.
struct CNumber: Equatable {
    let type: CScalar
    /// An integer, extended as its type says; 0 for a floating-point number.
    let integer: Int128
    /// A floating-point number.
    let real: Double

    init(_ value: Int128, _ type: CScalar) {
        self.type = type
        (integer, real) = (Self.wrapped(value, type), 0)
    }

    init(real value: Double, _ type: CScalar) {
        self.type = type
        (integer, real) = (0, type.size == 4 ? Double(Float(value)) : value)
    }

    /// What the type's bits hold of a number.
    private static func wrapped(_ value: Int128, _ type: CScalar) -> Int128 {
        if type.kind == .boolean { return value == 0 ? 0 : 1 }
        let unused = 128 - type.size * 8
        guard unused > 0 else { return value }
        let shifted = value << Int128(unused)
        return type.isSigned
            ? shifted >> Int128(unused)
            : Int128(bitPattern: UInt128(bitPattern: shifted) >> UInt128(unused))
    }

    var isTrue: Bool { type.isInteger ? integer != 0 : real != 0 }

    /// The low 64 bits; a floating-point number is cut to an integer.
    var bits: UInt64 { UInt64(truncatingIfNeeded: converted(to: .long).integer) }

    /// The bytes of the number, little-endian.
    var bytes: [UInt8] {
        switch (type.kind, type.size) {
        case (.floating, 4):
            return Self.bytes(UInt128(Float(real).bitPattern), 4)
        case (.floating, 8): return Self.bytes(UInt128(real.bitPattern), 8)
        case (.floating, _): return Self.extended(real)
        default: return Self.bytes(UInt128(bitPattern: integer), type.size)
        }
    }

    private static func bytes(_ value: UInt128, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt128(8 * $0)) }
    }

    /// The x87 format: 64 bits of significand with the leading one, 15 of exponent, the sign.
    private static func extended(_ value: Double) -> [UInt8] {
        var significand: UInt64 = 0
        var exponent: UInt64 = 0
        if value.isNaN || value.isInfinite {
            exponent = 0x7fff
            significand = value.isNaN ? 0xc000_0000_0000_0000 : 0x8000_0000_0000_0000
        } else if value != 0 {
            exponent = UInt64(16_383 + Int(value.exponent))
            significand = 1 << 63 | UInt64(value.significandBitPattern) << 11
            if value.isSubnormal {
                significand = UInt64(value.magnitude.significand * 0x1p63)
            }
        }
        let upper = exponent | (value.sign == .minus ? 0x8000 : 0)
        return bytes(UInt128(upper) << 64 | UInt128(significand), 16)
    }

    /// The same number in another type (C17 6.3.1); out of range, floating-point numbers become
    /// the lowest integer, as the processor's own conversion does.
    func converted(to target: CScalar) -> CNumber {
        if type.kind == .floating {
            if target.kind == .floating { return CNumber(real: real, target) }
            if target.kind == .boolean { return CNumber(real == 0 ? 0 : 1, target) }
            let whole = Int128(exactly: real.rounded(.towardZero))
            return CNumber(whole ?? Int128(Int64.min), target)
        }
        guard target.kind == .floating else { return CNumber(integer, target) }
        let real =
            type.kind == .unsigned && type.size == 16
            ? Double(UInt128(bitPattern: integer)) : Double(integer)
        return CNumber(real: real, target)
    }
}

/// Why two numbers cannot be combined.
enum CArithmeticError: String, Error {
    case divisionByZero = "Divide by zero"
    case notForFloats = "The operator is for integers only"
}

extension CNumber {
    /// An operator of two arithmetic operands.
    static func apply(
        _ operation: String,
        _ left: CNumber,
        _ right: CNumber
    ) throws(CArithmeticError) -> CNumber {
        if operation == "<<" || operation == ">>" { return try shift(operation, left, right) }
        let type = CScalar.common(left.type, right.type)
        let (first, second) = (left.converted(to: type), right.converted(to: type))
        if let truth = compare(operation, first, second) { return CNumber(truth ? 1 : 0, .bool) }
        guard type.isInteger else { return try real(operation, first.real, second.real, type) }
        return CNumber(try integer(operation, first, second), type)
    }

    /// The result has the type of the left operand; a distance that C leaves undefined shifts
    /// everything out.
    private static func shift(
        _ operation: String,
        _ left: CNumber,
        _ right: CNumber
    ) throws(CArithmeticError) -> CNumber {
        guard left.type.isInteger, right.type.isInteger else { throw .notForFloats }
        let type = left.type.promoted
        let value = CNumber(left.integer, type).integer
        let distance = right.integer
        let isInside = distance >= 0 && distance < Int128(type.size * 8)
        if operation == "<<" { return CNumber(isInside ? value << distance : 0, type) }
        if type.kind == .unsigned {
            let shifted = isInside ? UInt128(bitPattern: value) >> UInt128(distance) : 0
            return CNumber(Int128(bitPattern: shifted), type)
        }
        return CNumber(isInside ? value >> distance : (value < 0 ? -1 : 0), type)
    }

    private static func compare(_ operation: String, _ left: CNumber, _ right: CNumber) -> Bool? {
        guard left.type.isInteger else {
            return order(operation, left.real, right.real)
        }
        if left.type.kind == .unsigned {
            return order(
                operation,
                UInt128(bitPattern: left.integer),
                UInt128(bitPattern: right.integer)
            )
        }
        return order(operation, left.integer, right.integer)
    }

    static func order<Value: Comparable>(
        _ operation: String,
        _ left: Value,
        _ right: Value
    ) -> Bool? {
        switch operation {
        case "==": left == right
        case "!=": left != right
        case "<": left < right
        case ">": left > right
        case "<=": left <= right
        case ">=": left >= right
        default: nil
        }
    }

    private static func real(
        _ operation: String,
        _ left: Double,
        _ right: Double,
        _ type: CScalar
    ) throws(CArithmeticError) -> CNumber {
        switch operation {
        case "+": return CNumber(real: left + right, type)
        case "-": return CNumber(real: left - right, type)
        case "*": return CNumber(real: left * right, type)
        case "/": return CNumber(real: left / right, type)
        default: throw .notForFloats
        }
    }

    private static func integer(
        _ operation: String,
        _ left: CNumber,
        _ right: CNumber
    ) throws(CArithmeticError) -> Int128 {
        switch operation {
        case "+": return left.integer &+ right.integer
        case "-": return left.integer &- right.integer
        case "*": return left.integer &* right.integer
        case "&": return left.integer & right.integer
        case "|": return left.integer | right.integer
        case "^": return left.integer ^ right.integer
        default: return try divided(operation, left, right)
        }
    }

    private static func divided(
        _ operation: String,
        _ left: CNumber,
        _ right: CNumber
    ) throws(CArithmeticError) -> Int128 {
        guard right.integer != 0 else { throw .divisionByZero }
        if left.type.kind == .unsigned, left.type.size == 16 {
            let first = UInt128(bitPattern: left.integer)
            let second = UInt128(bitPattern: right.integer)
            return Int128(bitPattern: operation == "/" ? first / second : first % second)
        }
        if operation == "/" {
            return left.integer.dividedReportingOverflow(by: right.integer).partialValue
        }
        return left.integer.remainderReportingOverflow(dividingBy: right.integer).partialValue
    }

    /// `-`, `+`, `~` and `!`.
    static func apply(_ operation: String, _ operand: CNumber) throws(CArithmeticError) -> CNumber {
        if operation == "!" { return CNumber(operand.isTrue ? 0 : 1, .bool) }
        let value = operand.converted(to: operand.type.promoted)
        guard value.type.isInteger else {
            switch operation {
            case "-": return CNumber(real: -value.real, value.type)
            case "+": return value
            default: throw .notForFloats
            }
        }
        switch operation {
        case "-": return CNumber(0 &- value.integer, value.type)
        case "~": return CNumber(~value.integer, value.type)
        default: return value
        }
    }
}
